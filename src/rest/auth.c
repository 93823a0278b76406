/*
 * Credentials. Only SHA-256 sums are kept, and all of them are compared with every request, so that
 * the time of an answer tells nothing.
 */
#include "auth.h"

#include <errno.h>
#include <strings.h>
#include <sys/stat.h>

#include <nettle/base64.h>
#include <nettle/sha2.h>

#include "log.h"
#include "mem.h"

#define FILE_LIMIT ((size_t)1024 * 1024)
#define HEADER_LIMIT 4096

struct credential {
    enum right right;
    bool bearer;
    uint8_t user[SHA256_DIGEST_SIZE], secret[SHA256_DIGEST_SIZE];
};

struct auth {
    struct credential item[CREDENTIAL_LIMIT];
    size_t count;
};

static void digest(str text, uint8_t out[SHA256_DIGEST_SIZE])
{
    struct sha256_ctx sha;
    sha256_init(&sha);
    sha256_update(&sha, text.len, (const uint8_t *)(text.ptr ? text.ptr : ""));
    sha256_digest(&sha, SHA256_DIGEST_SIZE, out);
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A secret, or its sum. */
static bool take_secret(str text, uint8_t out[SHA256_DIGEST_SIZE])
{
    if (!str_starts(text, STR("sha256:"))) {
        digest(text, out);
        return text.len > 0;
    }
    text = str_from_at(text, 7);
    if (text.len != (size_t)2 * SHA256_DIGEST_SIZE)
        return false;
    for (size_t i = 0; i < SHA256_DIGEST_SIZE; i++) {
        int high = hex(text.ptr[2 * i]), low = hex(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

static str take_word(str *rest)
{
    str text = str_trim(*rest);
    size_t len = 0;
    while (len < text.len && text.ptr[len] != ' ' && text.ptr[len] != '\t')
        len++;
    *rest = str_trim(str_from_at(text, len));
    return str_head(text, len);
}

static bool add_line(struct auth *auth, str line, struct fault *fault)
{
    struct credential *item = &auth->item[auth->count];
    str right = take_word(&line), kind = take_word(&line), user = STR_EMPTY;
    if (auth->count == CREDENTIAL_LIMIT)
        return fault_set(fault, FAULT_CONFIG, "more than %d credentials", CREDENTIAL_LIMIT);
    *item = (struct credential){.bearer = str_is(kind, "bearer")};
    item->right = str_is(right, "read") ? RIGHT_READ : RIGHT_WRITE;
    bool good = (str_is(right, "read") || str_is(right, "write"))
                && (item->bearer || str_is(kind, "basic"));
    if (good && !item->bearer)
        good = memchr(line.ptr ? line.ptr : "", ':', line.len) && str_split(&line, ':', &user)
               && user.len > 0;
    digest(user, item->user);
    if (!good || !take_secret(line, item->secret))
        return fault_set(
            fault, FAULT_CONFIG,
            "expected `read` or `write`, then `basic USER:PASSWORD` or `bearer TOKEN`; "
            "sha256: is followed by 64 hexadecimal digits");
    auth->count++;
    return true;
}

struct auth *auth_parse(str text, const char *origin, struct fault *fault)
{
    struct auth *auth = mem_alloc(sizeof(*auth));
    str line;
    if (!auth) {
        fault_memory(fault, "credentials");
        return NULL;
    }
    auth->count = 0;
    for (int number = 1; str_split(&text, '\n', &line); number++) {
        line = str_trim(line);
        if (line.len == 0 || line.ptr[0] == '#' || add_line(auth, line, fault))
            continue;
        fault_in(fault, "%s:%d", origin, number);
        auth_free(auth);
        return NULL;
    }
    if (auth->count > 0)
        return auth;
    fault_set(fault, FAULT_CONFIG, "%s (rest.auth.file) names nobody", origin);
    auth_free(auth);
    return NULL;
}

void auth_free(struct auth *auth)
{
    mem_free(auth);
}

struct auth *auth_load(const char *path, struct fault *fault)
{
    struct auth *auth = NULL;
    struct stat status;
    char *text = mem_alloc(FILE_LIMIT);
    FILE *file = text ? fopen(path, "re") : NULL;
    size_t len = file ? fread(text, 1, FILE_LIMIT, file) : 0;
    if (!text)
        fault_memory(fault, "credentials");
    else if (!file || ferror(file))
        fault_set(fault, FAULT_CONFIG, "cannot read %s (rest.auth.file): %s", path,
                  strerror(errno));
    else if (len == FILE_LIMIT)
        fault_set(fault, FAULT_CONFIG, "%s (rest.auth.file) is larger than 1 MiB", path);
    else
        auth = auth_parse((str){text, len}, path, fault);
    if (auth && fstat(fileno(file), &status) == 0 && (status.st_mode & 077) != 0)
        log_write(LOG_WARN, "%s (rest.auth.file) can be read by others: chmod 600 it", path);
    if (file)
        fclose(file);
    if (text)
        explicit_bzero(text, FILE_LIMIT);
    mem_free(text);
    return auth;
}

/* ---- what a request brings ---- */

static unsigned differ(const uint8_t *a, const uint8_t *b)
{
    unsigned difference = 0;
    for (size_t i = 0; i < SHA256_DIGEST_SIZE; i++)
        difference |= (unsigned)(a[i] ^ b[i]);
    return difference;
}

static enum right find(const struct auth *auth, bool bearer, str user, str secret)
{
    uint8_t user_sum[SHA256_DIGEST_SIZE], secret_sum[SHA256_DIGEST_SIZE];
    enum right right = RIGHT_NONE;
    digest(user, user_sum);
    digest(secret, secret_sum);
    for (size_t i = 0; i < auth->count; i++) {
        const struct credential *item = &auth->item[i];
        unsigned difference = differ(item->user, user_sum) | differ(item->secret, secret_sum);
        if (difference == 0 && item->bearer == bearer && item->right > right)
            right = item->right;
    }
    return right;
}

static enum right find_basic(const struct auth *auth, str coded)
{
    uint8_t text[HEADER_LIMIT];
    struct base64_decode_ctx context;
    size_t len = sizeof(text);
    if (coded.len > HEADER_LIMIT)
        return RIGHT_NONE;
    base64_decode_init(&context);
    if (!base64_decode_update(&context, &len, text, coded.len, coded.ptr)
        || !base64_decode_final(&context))
        return RIGHT_NONE;
    str secret = {(const char *)text, len}, user;
    if (!memchr(text, ':', len) || !str_split(&secret, ':', &user))
        return RIGHT_NONE;
    return find(auth, false, user, secret);
}

enum right auth_right(const struct auth *auth, str header)
{
    str scheme = take_word(&header);
    if (header.len == 0 || header.len > HEADER_LIMIT)
        return RIGHT_NONE;
    if (scheme.len == 6 && strncasecmp(scheme.ptr, "Bearer", 6) == 0)
        return find(auth, true, STR_EMPTY, header);
    if (scheme.len == 5 && strncasecmp(scheme.ptr, "Basic", 5) == 0)
        return find_basic(auth, header);
    return RIGHT_NONE;
}
