/*
 * The walk for processors with AVX2. CMakeLists.txt lets the compiler use it for this file alone.
 */
#ifdef __x86_64__
#define WALK walk_avx2
#include "walk_body.h"
#endif
