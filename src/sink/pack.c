/*
 * gzip and zstd behind one door.
 */
#include "pack.h"

#include <zlib.h>
#include <zstd.h>

#include "mem.h"

#define GZIP_WINDOW (15 + 16) /* the largest window, with gzip's head and tail */
#define OUTPUT_PIECE ((size_t)64 * 1024)

struct pack {
    enum pack_kind kind;
    z_stream gzip;
    ZSTD_CCtx *zstd;
};

const char *pack_suffix(enum pack_kind kind)
{
    static const char *const suffixes[PACK_KINDS] = {"", ".gz", ".zst"};
    return suffixes[kind];
}

struct pack *pack_new(enum pack_kind kind, struct fault *fault)
{
    struct pack *pack = mem_alloc(sizeof(*pack));
    if (pack) {
        *pack = (struct pack){.kind = kind};
        bool good = kind == PACK_GZIP ? deflateInit2(&pack->gzip, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
                                                     GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY)
                                            == Z_OK
                                      : (pack->zstd = ZSTD_createCCtx()) != NULL;
        if (good)
            return pack;
        mem_free(pack);
    }
    fault_memory(fault, "compression");
    return NULL;
}

void pack_free(struct pack *pack)
{
    if (!pack)
        return;
    if (pack->kind == PACK_GZIP)
        deflateEnd(&pack->gzip);
    ZSTD_freeCCtx(pack->zstd);
    mem_free(pack);
}

static bool put_gzip(struct pack *pack, str bytes, bool last, struct buf *out)
{
    static const unsigned char nothing[1];
    int status = Z_OK;
    /* zlib takes what it does not change as changeable; its counts are 32 bits, pieces smaller. */
    union {
        const unsigned char *given;
        unsigned char *taken;
    } input = {bytes.len ? (const unsigned char *)bytes.ptr : nothing};
    pack->gzip.next_in = input.taken;
    pack->gzip.avail_in = (unsigned)bytes.len;
    do {
        if (!buf_reserve(out, OUTPUT_PIECE))
            return false;
        pack->gzip.next_out = (unsigned char *)out->ptr + out->len;
        pack->gzip.avail_out = (unsigned)OUTPUT_PIECE;
        status = deflate(&pack->gzip, last ? Z_FINISH : Z_NO_FLUSH);
        out->len += OUTPUT_PIECE - pack->gzip.avail_out;
    } while (pack->gzip.avail_out == 0 && status == Z_OK);
    return status == Z_STREAM_END || (!last && (status == Z_OK || status == Z_BUF_ERROR));
}

static bool put_zstd(struct pack *pack, str bytes, bool last, struct buf *out)
{
    ZSTD_inBuffer input = {bytes.ptr, bytes.len, 0};
    size_t left;
    do {
        if (!buf_reserve(out, OUTPUT_PIECE))
            return false;
        ZSTD_outBuffer output = {out->ptr + out->len, OUTPUT_PIECE, 0};
        left = ZSTD_compressStream2(pack->zstd, &output, &input,
                                    last ? ZSTD_e_end : ZSTD_e_continue);
        out->len += output.pos;
        if (ZSTD_isError(left))
            return false;
    } while (last ? left > 0 : input.pos < input.size);
    return true;
}

bool pack_put(struct pack *pack, str bytes, bool last, struct buf *out, struct fault *fault)
{
    bool good = pack->kind == PACK_GZIP ? put_gzip(pack, bytes, last, out)
                                        : put_zstd(pack, bytes, last, out);
    return good || fault_memory(fault, "compression");
}
