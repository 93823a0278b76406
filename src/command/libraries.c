/*
 * The program is linked without those libraries, and the calls into them are bound at the first one
 * of each (-z lazy, see CMakeLists.txt): by then they are among the global symbols. Where it is
 * linked with them, there is nothing to load.
 */
#include "libraries.h"

#ifdef LAZY_LIBRARIES
#include <dlfcn.h>

static const char *const names[] = {LAZY_LIBRARIES};

bool libraries_load(struct fault *fault)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!dlopen(names[i], RTLD_LAZY | RTLD_GLOBAL))
            return fault_set(fault, FAULT_FATAL, "this command needs the library %s: %s", names[i],
                             dlerror());
    return true;
}
#else
bool libraries_load(struct fault *fault)
{
    (void)fault;
    return true;
}
#endif
