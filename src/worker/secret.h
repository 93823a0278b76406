/*
 * secret: which values of a configuration are secrets, and how they are shown to those who may not
 * see them.
 */
#ifndef FIELDTRAIL_SECRET_H
#define FIELDTRAIL_SECRET_H

#include <fieldtrail/arena.h>

#define SECRET_HIDDEN STR("[hidden]")

/* The value as a stranger may see it: `[hidden]` in place of a secret, of a connection's URI or
   conninfo only the password. Placeholders are no secrets. False where memory ran out. */
bool secret_hide(str key, str value, struct arena *arena, str *shown) MUST_CHECK;

#endif
