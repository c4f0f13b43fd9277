"""Networks with their initial weights, for any kind of config."""

import torch

from cosmos_search.encoders.mini.encoder import MiniEncoder
from cosmos_search.encoders.mini.weights import find_weights
from cosmos_search.network.cosmos import CosmosConfig, CosmosModel
from cosmos_search.network.mini import MiniNetwork
from cosmos_search.network.weights import check_memory
from trainer.config import NetworkConfig
from trainer.method.network import Network

__all__ = ["make_network"]


def make_network(config: NetworkConfig) -> Network:
    """A network with random weights from torch's generator; the pre-trained parts of the built-in encoder are loaded.

    Raises CosmosSearchError if the memory is too small, or a package with pre-trained weights is missing.
    """
    if isinstance(config, CosmosConfig):
        with torch.device("meta"):
            check_memory(CosmosModel(config), "the config")
        return CosmosModel(config)
    return MiniNetwork(config, find_weights().read_image(), MiniEncoder(trained=None).class_vectors)
