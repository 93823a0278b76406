/*
 * auth: the file that says who may do what, and the test of what a request brings.
 */
#ifndef FIELDTRAIL_AUTH_H
#define FIELDTRAIL_AUTH_H

#include "request.h"

struct auth;

#define CREDENTIAL_LIMIT 1000

/* Reads the file; NULL with FAULT_CONFIG that names the line. */
struct auth *auth_load(const char *path, struct fault *fault);
struct auth *auth_parse(str text, const char *origin, struct fault *fault);
void auth_free(struct auth *auth);

/* What this Authorization header allows. */
enum right auth_right(const struct auth *auth, str header);

#endif
