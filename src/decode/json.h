/*
 * json: reads a JSON text into a small tree whose texts point into the input wherever no escape
 * forces a copy. A fast reader (tree.h) takes what is surely right; all else is yajl's to judge,
 * with limits, escapes and positions of our own.
 */
#ifndef FIELDTRAIL_JSON_H
#define FIELDTRAIL_JSON_H

#include <fieldtrail/arena.h>
#include <fieldtrail/fault.h>
#include <fieldtrail/value.h>

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_kind kind;
    str name; /* of a member of an object */
    str text; /* a string without quotes and escapes; all others as they stand in the input */
    struct json *child, *next;
};

#define JSON_DEPTH_LIMIT 100
#define JSON_UNKEPT_LIMIT 97 /* levels below those that are kept */
#define JSON_NODE_LIMIT 1000000

/* Where the tree's nodes and the unescaped texts are allocated. They may be the same arena. */
struct json_memory {
    struct arena *nodes, *texts;
};

/* Reads one document. Containers deeper than `keep_depth` levels are checked and kept as text, but
   get no children (and lone surrogates in them stay the escapes that they are). False with
   FAULT_RECORD ("not JSON at byte 17: ...") for anything that is not JSON in UTF-8, a lone
   surrogate, or beyond the limits; FAULT_RETRY where memory ran out. */
bool json_parse(str text, unsigned keep_depth, struct json_memory memory, struct json **root,
                struct fault *fault) MUST_CHECK;

/* The same by yajl alone. */
bool json_parse_slowly(str text, unsigned keep_depth, struct json_memory memory, struct json **root,
                       struct fault *fault) MUST_CHECK;

/* The member of that name, or NULL; of several the last. NULL too where `object` is none. */
struct json *json_member(const struct json *object, const char *name);

/* True where the object has this member and it is a string of exactly this text. */
bool json_member_is(const struct json *object, const char *name, const char *text);

/* An integer written as a number or as a string; false for all else. NULL gives false. */
bool json_int64(const struct json *json, int64_t *number) MUST_CHECK;

/* A string's text; empty for NULL and all else. */
str json_string(const struct json *json);

size_t json_child_count(const struct json *json);

#endif
