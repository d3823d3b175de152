/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_json.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    fuzz_json_check(data, size);
    return 0;
}
