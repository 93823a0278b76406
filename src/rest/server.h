/*
 * server: REST on the network, by libmicrohttpd. Listening begins before the worker is named, for a
 * worker is called by its address; requests are answered once there is a herder.
 */
#ifndef FIELDTRAIL_SERVER_H
#define FIELDTRAIL_SERVER_H

#include "rest.h"

struct server; /* exchange.h */

#define LISTENER_LIMIT 8

/* Binds all listeners; settings are borrowed. NULL with a fault: FAULT_CONFIG where settings are
   wrong, FAULT_FATAL where an address cannot be had (`taken` says that another has it). A server
   without listeners is one too. */
struct server *server_listen(const struct rest_settings *settings, bool *taken,
                             struct fault *fault);

/* HOST:PORT by which others reach it; empty without listeners. */
str server_address(const struct server *server);

/* Answers requests from now on, on threads of its own. */
bool server_start(struct server *server, struct herder *herder, struct fault *fault) MUST_CHECK;

/* Waits for the requests that are being answered; no more are taken. */
void server_free(struct server *server);

#endif
