#!/bin/sh
# Install wirecopy into a folder of its own, compiled kernels included, so that nothing is compiled at a start.
#
#   deploy/install.sh /opt/wirecopy                the checkout that this file is in
#   deploy/install.sh /opt/wirecopy FILE.whl       a wheel
#
# PYTHON names the interpreter. The Dockerfile and CI run these same steps.
set -eu
target=$1
source=${2:-$(dirname "$0")/..}
"${PYTHON:-python3}" -m venv "$target"
"$target/bin/pip" install --no-cache-dir --disable-pip-version-check --quiet "$source"
"$target/bin/wirecopy" warm-up --baseline
