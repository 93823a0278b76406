/*
 * Masking. The digest is nettle's.
 */
#include "mask.h"

#include <nettle/hmac.h>
#include <nettle/sha2.h>

bool mask_parse(const struct str_list *items, struct arena *arena, struct mask_list *masks,
                struct fault *fault)
{
    *masks = (struct mask_list){ARENA_NEW(arena, struct mask, items->count), 0};
    if (!masks->item)
        return fault_memory(fault, "pivot.mask");
    for (size_t i = 0; i < items->count; i++) {
        str item = items->item[i];
        enum mask_kind kind = str_ends(item, STR(":hash"))   ? MASK_HASH
                              : str_ends(item, STR(":drop")) ? MASK_DROP
                                                             : MASK_NONE;
        if (kind == MASK_NONE || item.len <= strlen(":hash"))
            return fault_set(fault, FAULT_CONFIG,
                             "pivot.mask=%.*s: must be COLUMN:hash or COLUMN:drop",
                             STR_ARG(str_head(item, 80)));
        masks->item[masks->count++] = (struct mask){str_head(item, item.len - strlen(":hash")),
                                                    kind};
    }
    return true;
}

enum mask_kind mask_of(const struct mask_list *masks, str column)
{
    for (size_t i = 0; i < masks->count; i++)
        if (str_eq(masks->item[i].column, column))
            return masks->item[i].kind;
    return MASK_NONE;
}

static void digest(str key, str text, uint8_t out[SHA256_DIGEST_SIZE])
{
    if (key.len > 0) {
        struct hmac_sha256_ctx hmac;
        hmac_sha256_set_key(&hmac, key.len, (const uint8_t *)key.ptr);
        hmac_sha256_update(&hmac, text.len, (const uint8_t *)text.ptr);
        hmac_sha256_digest(&hmac, SHA256_DIGEST_SIZE, out);
        return;
    }
    struct sha256_ctx sha;
    sha256_init(&sha);
    sha256_update(&sha, text.len, (const uint8_t *)text.ptr);
    sha256_digest(&sha, SHA256_DIGEST_SIZE, out);
}

bool mask_value(enum mask_kind kind, str key, struct value value, struct arena *arena,
                struct value *masked)
{
    static const char hex[] = "0123456789abcdef";
    uint8_t hash[SHA256_DIGEST_SIZE];
    *masked = value;
    if (kind == MASK_NONE || !value_has_text(value))
        return true;
    *masked = (struct value){VALUE_NULL, STR_EMPTY};
    if (kind == MASK_DROP)
        return true;
    char *text = arena_alloc(arena, (size_t)2 * SHA256_DIGEST_SIZE);
    if (!text)
        return false;
    digest(key, value.text, hash);
    for (size_t i = 0; i < SHA256_DIGEST_SIZE; i++) {
        text[2 * i] = hex[hash[i] >> 4];
        text[2 * i + 1] = hex[hash[i] & 15];
    }
    *masked = (struct value){VALUE_TEXT, {text, (size_t)2 * SHA256_DIGEST_SIZE}};
    return true;
}
