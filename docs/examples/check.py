# SPDX-License-Identifier: GPL-2.0-or-later
"""check.py IMAGE: prints what is wrong with an image; ends with 4 if there is damage."""

import sys

import insitu

try:
    checked = insitu.check(sys.argv[1])
except insitu.Error as error:
    sys.exit(str(error))
for finding in checked.findings:
    print(f"{finding.id} block {finding.block}: {finding.detail}")
sys.exit(0 if checked.clean else 4)
