/*
 * Included in front of every source file by the compiler's command line: calls that are unsafe or
 * not ours to make do not compile.
 */
#ifndef FIELDTRAIL_BANNED_H
#define FIELDTRAIL_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef strtok
#undef sprintf
#undef vsprintf
#undef gets
#undef atoi
#undef atol
#undef atof
#undef gmtime
#undef localtime
#undef ctime
#undef asctime
#undef alloca

#pragma GCC poison strcpy strcat strncpy strncat strtok sprintf vsprintf gets
#pragma GCC poison atoi atol atof gmtime localtime ctime asctime alloca

#endif
