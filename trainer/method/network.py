"""The networks that can be trained."""

from cosmos_search.network.cosmos import CosmosModel
from cosmos_search.network.mini import MiniNetwork

__all__ = ["Network"]

Network = CosmosModel | MiniNetwork
