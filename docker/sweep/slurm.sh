#!/bin/bash
# An array of eight: one index of the grid a task, one core each. From a folder that all nodes see:
#
#   sbatch docker/sweep/slurm.sh
#   odslab collect sweep                                                            # when it has ended
#   sbatch --array="$(odslab collect -failed sweep)" docker/sweep/slurm.sh          # what failed, alone
#
# odslab is the command that `go run ./kernel setup` has put into the cache's clones/…/bin, or one in an image:
# ODSLAB="apptainer run odslab.sif". ODSLAB_CACHE should be a folder of the node, or one that all nodes see.
#SBATCH --job-name=odslab
#SBATCH --array=0-7
#SBATCH --cpus-per-task=1
#SBATCH --mem=2G
#SBATCH --time=00:30:00
#SBATCH --output=slurm-%A_%a.out
set -eu
cd "${SLURM_SUBMIT_DIR:-.}"
exec ${ODSLAB:-odslab} run "${NOTEBOOK:-docker/sweep/evidence.ipynb}" -sweep "${GRID:-docker/sweep/grid.yaml}" -out "${OUT:-sweep}"
