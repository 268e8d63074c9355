"""Writes a small U-Net of the diffusers library with random weights, and what it makes of a batch.

    python make.py FOLDER [NAME]    # pip install torch diffusers; NAME: small (kept in this folder), corner, shift
"""

import pathlib
import sys

import torch
from diffusers import DDPMScheduler, UNet2DModel
from safetensors.torch import save_file

NETS = {
    "small": dict(
        sample_size=8, in_channels=1, out_channels=1, block_out_channels=(4, 8), layers_per_block=1, norm_num_groups=2, attention_head_dim=4,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D"),
    ),
    # As google/ddpm-cifar10-32 has it.
    "corner": dict(
        sample_size=16, in_channels=3, out_channels=3, block_out_channels=(16, 32, 32), layers_per_block=2, norm_num_groups=8, attention_head_dim=None,
        down_block_types=("DownBlock2D", "AttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
        downsample_padding=0, flip_sin_to_cos=False, freq_shift=1, norm_eps=1e-6,
    ),
    "shift": dict(
        sample_size=(8, 12), in_channels=2, out_channels=2, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, attention_head_dim=8,
        down_block_types=("AttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "AttnUpBlock2D"), mid_block_scale_factor=1.5,
        resnet_time_scale_shift="scale_shift", center_input_sample=True, add_attention=False,
    ),
}

folder = pathlib.Path(sys.argv[1])
torch.manual_seed(1)
net = UNet2DModel(**NETS[sys.argv[2] if len(sys.argv) > 2 else "small"]).eval()
with torch.no_grad():
    for w in net.parameters():  # norms begin at 1 and 0, biases near 0: no test of theirs
        w.add_(0.1 * torch.randn_like(w))
net.save_pretrained(folder, safe_serialization=True)
DDPMScheduler(num_train_timesteps=500, beta_start=2e-4, beta_end=0.03, prediction_type="epsilon").save_pretrained(folder)

size = net.config.sample_size
h, w = size if isinstance(size, (tuple, list)) else (size, size)
x, step = torch.randn(4, net.config.in_channels, h, w), torch.tensor([0, 7, 250, 499])
with torch.no_grad():
    y = net(x, step).sample
save_file({"x": x.permute(0, 2, 3, 1).contiguous(), "step": step.float(), "y": y.permute(0, 2, 3, 1).contiguous()}, folder / "check.safetensors")
