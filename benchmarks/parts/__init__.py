"""The ablation of COSMOS that docs/experiment.md reports: training runs, their measures, figures."""
