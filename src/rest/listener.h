/*
 * listener: one address of `listeners`, and its socket.
 */
#ifndef FIELDTRAIL_LISTENER_H
#define FIELDTRAIL_LISTENER_H

#include <fieldtrail/fault.h>
#include <fieldtrail/str.h>

struct listener {
    bool tls, loopback, everywhere; /* everywhere: on all addresses of the machine */
    char host[256];
    int port;
    int fd;
};

/* Reads "http://HOST:PORT" and binds it. On failure fd is -1, and `taken` says whether somebody
   else has the address. */
bool listener_open(struct listener *listener, str url, bool *taken, struct fault *fault) MUST_CHECK;

#endif
