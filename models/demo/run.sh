#!/bin/sh
# The whole recipe: an environment of its own, training, export, checks. Usage: models/demo/run.sh [minutes]
#
# The settings for OpenMP and malloc only cost or save time. Waiting threads must sleep, not spin: beside other busy
# programs spinning made a step 15 times slower. Freed memory is kept: fresh pages are dear on a virtual machine.
set -eu
cd "$(dirname "$0")/../.."
MINUTES=${1:-28}
WORK_DIR=${DEMO_WORK_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/offload/demo-training}
PYTHON=${DEMO_PYTHON:-$WORK_DIR/venv/bin/python}

export OMP_NUM_THREADS="${OMP_NUM_THREADS:-2}" OMP_WAIT_POLICY=passive GOMP_SPINCOUNT=0
export MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=2147483647 MALLOC_TOP_PAD_=268435456

if [ ! -x "$PYTHON" ]; then
    python3 -m venv "$WORK_DIR/venv"
    "$PYTHON" -m pip install -r models/demo/requirements.txt
fi
"$PYTHON" -m models.demo.train --work-dir "$WORK_DIR" --minutes "$MINUTES"
"$PYTHON" -m models.demo.export --work-dir "$WORK_DIR"
"$PYTHON" -m models.demo.check --work-dir "$WORK_DIR"
