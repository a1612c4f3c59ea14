# SPDX-License-Identifier: Apache-2.0
"""python -m prs_engine is prs."""
from prs_engine import main

main()
