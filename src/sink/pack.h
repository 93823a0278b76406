/*
 * pack: bytes compressed in pieces, gzip by zlib or zstd by libzstd. The same pieces give the same
 * bytes: no time and no name goes into them.
 */
#ifndef FIELDTRAIL_PACK_H
#define FIELDTRAIL_PACK_H

#include <fieldtrail/buf.h>
#include <fieldtrail/fault.h>

enum pack_kind { PACK_NONE, PACK_GZIP, PACK_ZSTD };
#define PACK_KINDS 3

/* "", ".gz", ".zst". */
const char *pack_suffix(enum pack_kind kind);

struct pack;

/* NULL with the fault set where memory ran out. Of a kind that compresses. */
struct pack *pack_new(enum pack_kind kind, struct fault *fault);
void pack_free(struct pack *pack);

/* Appends what comes of these bytes; with `last`, the end of the file, too. */
bool pack_put(struct pack *pack, str bytes, bool last, struct buf *out,
              struct fault *fault) MUST_CHECK;

#endif
