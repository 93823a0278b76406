/*
 * http: one HTTP connection, kept alive and driven without blocking. Every wait goes through the
 * sink's `idle`, so the source stays alive while the server thinks. One request at a time.
 */
#ifndef FIELDTRAIL_HTTP_H
#define FIELDTRAIL_HTTP_H

#include <curl/curl.h>

#include <fieldtrail/buf.h>
#include <fieldtrail/fault.h>
#include <fieldtrail/sink.h>

struct http_settings {
    str uri;                   /* http[s]://[user:password@]host[:port][/path] */
    str token, user, password; /* either a bearer token, or a user; or none */
    str ca_file;               /* instead of the system's authorities */
    bool gzip;                 /* bodies go compressed */
};

struct http {
    struct sink *sink; /* for idle */
    struct http_settings settings;
    char *base, *address; /* the URI without a slash at its end; and without its secrets */
    bool global;          /* libcurl has been set up for us */
    CURLM *multi;         /* NULL: not connected */
    CURL *easy;
    struct curl_slist *get_headers, *post_headers;
    int epoll, timer; /* what is waited for: libcurl's sockets, and its timer among them */
    bool busy;
    CURLcode code; /* how the last transfer ended */
    struct buf packed, answer, url;
    char error[CURL_ERROR_SIZE];
};

/* Checks the settings, which must outlive it. FAULT_CONFIG names the key. Opens nothing yet. */
bool http_init(struct http *http, struct sink *sink, struct http_settings settings,
               struct fault *fault) MUST_CHECK;
void http_release(struct http *http);

/* Starts a request of this path, a POST where `body` has bytes; they must stay until its end. */
bool http_begin(struct http *http, str path, str body, struct fault *fault) MUST_CHECK;

/* Lets the request go on as far as it can without waiting. */
void http_step(struct http *http);

/* Waits for the request's end. True: the server has answered, whatever it said, with http->answer.
   FAULT_RETRY where it could not be reached, FAULT_CONFIG where it is not who it should be. */
bool http_end(struct http *http, long *status, struct fault *fault) MUST_CHECK;

/* Ends the connection at once; the next request opens a new one. */
void http_close(struct http *http);

/* Appends the text as it may stand in a query string. */
void http_escape(struct buf *url, str text);

#endif
