#!/bin/sh
# The whole recipe: an environment of its own, training, export, packing, checks, evaluation. Usage: models/demo/run.sh [minutes]
#
# It goes on from the last checkpoint when it was stopped. DEMO_DEVICE=cpu or cuda, or what is there.
#
# The settings for malloc only save time: freed memory is kept, because fresh pages are dear on a virtual machine. The
# training gives each core a process of its own; threads that wait for others sleep, so that other programs may run.
set -eu
cd "$(dirname "$0")/../.."
MINUTES=${1:-140}
WORK_DIR=${DEMO_WORK_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/offload/demo-training}
PYTHON=${DEMO_PYTHON:-$WORK_DIR/venv/bin/python}

export OMP_NUM_THREADS="${OMP_NUM_THREADS:-2}" OMP_WAIT_POLICY=passive GOMP_SPINCOUNT=0
export MALLOC_TRIM_THRESHOLD_=2147483647 MALLOC_TOP_PAD_=268435456 MALLOC_MMAP_MAX_=0

if [ ! -x "$PYTHON" ]; then
    python3 -m venv "$WORK_DIR/venv"
    "$PYTHON" -m pip install -r models/demo/requirements.txt
fi
"$PYTHON" -m models.demo.train --work-dir "$WORK_DIR" --minutes "$MINUTES" --device "${DEMO_DEVICE:-auto}"
"$PYTHON" -m models.demo.export --work-dir "$WORK_DIR"
"$PYTHON" -m models.demo.bundle "$WORK_DIR/demo.gguf"
"$PYTHON" -m models.demo.check --work-dir "$WORK_DIR"
"$PYTHON" -m models.demo.evaluate "$WORK_DIR/demo.gguf" --reference "$WORK_DIR/demo-f16.gguf"
