#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The module insitu, under the system's Python.
# shellcheck source=../cli/lib.sh
. "$INSITU_TESTS/cli/lib.sh"

export PYTHONPATH=$INSITU_TESTS/../libinsitu/python PYTHONDONTWRITEBYTECODE=1
export INSITU_LIBRARY=$INSITU_BUILD/libinsitu/libinsitu.so.0
run 0 /usr/bin/python3 -W error "$INSITU_TESTS/python/test_insitu.py"
run 0 /usr/bin/python3 -W error "$INSITU_TESTS/python/test_changes.py"
check "the module is typed" [ -e "$PYTHONPATH/insitu/py.typed" ]

# The structs of the module are those of the header.
cat >sizes.c <<'C'
#include <insitu.h>
#include <stdio.h>
#define SIZE(type) printf("%s %zu\n", #type, sizeof(insitu_##type))
int main(void) {
    SIZE(control);
    SIZE(open_options);
    SIZE(info);
    SIZE(run);
    SIZE(extent);
    SIZE(totals);
    SIZE(pack_options);
    SIZE(pack_result);
    SIZE(unpack_options);
    SIZE(unpack_result);
    SIZE(format_options);
    SIZE(copy_options);
    SIZE(copy_result);
    SIZE(update_options);
    SIZE(update_result);
    SIZE(resize_options);
    SIZE(resize_result);
    SIZE(range);
    SIZE(hash);
    SIZE(verify_options);
    SIZE(verify_result);
    SIZE(trim_options);
    SIZE(trim_result);
    SIZE(finding);
    SIZE(check_options);
    SIZE(check_result);
    SIZE(repair_options);
    SIZE(repair_result);
    return 0;
}
C
run 0 cc -I"$INSITU_TESTS/../libinsitu/include" sizes.c -o sizes
./sizes >in_c
/usr/bin/python3 - >in_python <<'PYTHON'
import ctypes

from insitu import _structs

STRUCTS = (
    "Control OpenOptions InfoStruct RunStruct ExtentStruct TotalsStruct PackOptions PackStruct "
    "UnpackOptions UnpackStruct FormatOptions CopyOptions CopyStruct UpdateOptions UpdateStruct "
    "ResizeOptions ResizeStruct RangeStruct HashStruct VerifyOptions VerifyStruct TrimOptions "
    "TrimStruct FindingStruct CheckOptions CheckStruct "
    "RepairOptions RepairStruct"
)
for name in STRUCTS.split():
    print(ctypes.sizeof(getattr(_structs, name)))
PYTHON
check "structs have the same size" diff <(awk '{print $2}' in_c) in_python
