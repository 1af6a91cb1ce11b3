"""The networks: codec, denoiser with its Time-Loudness Module, text encoder."""
