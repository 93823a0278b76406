/*
 * json_document: compares two JSON documents by meaning.
 */
#ifndef FIELDTRAIL_JSON_DOCUMENT_H
#define FIELDTRAIL_JSON_DOCUMENT_H

#include <fieldtrail/arena.h>

/* True where both texts are JSON documents of the same meaning: the order of keys and blanks do
   not matter, numbers count by value, of a key that stands twice the last counts (as in jsonb).
   False where they differ, or one is no JSON, nests deeper than 100 or does not fit `scratch`. */
bool json_document_same(str a, str b, struct arena *scratch);

#endif
