/*
 * Requests to REST, one behind the other against one worker: head and body of each as text, through
 * admission, routes and handlers. Whatever comes in, there is an answer, its status is one of the
 * table, its body what its type says, no header holds what would end it, and no secret is in it
 * that whoever asks may not see. What would ask brokers or a target is answered by a stand-in.
 */
#include "fuzz.h"

#include <strings.h>

#include <yajl/yajl_parse.h>

#include "herder.h"
#include "log.h"
#include "rest.h"

#define BYTES_LIMIT ((size_t)64 * 1024 * 1024)
#define REQUEST_COUNT 8
#define BETWEEN '\x1e'

/* One stands in a configuration, for writers to see; the other behind a placeholder, for nobody. */
#define WRITTEN "Geheimnis7"
#define BEHIND "Verschwiegen9"

#define CREDENTIALS "read basic eve:leserin\nwrite bearer schreiber\n"
#define READ_HEADER "Basic ZXZlOmxlc2VyaW4="
#define WRITE_HEADER "Bearer schreiber"

/* What the first byte of an input chooses. */
enum choice {
    CHOICE_AUTH = 1,
    CHOICE_READER = 2, /* credentials are those, whatever the header says */
    CHOICE_WRITER = 4,
    CHOICE_HIDE = 8,
    CHOICE_OPEN = 16, /* the listener is not on loopback alone */
    CHOICE_TLS = 32
};

struct stage {
    struct arena arena;
    struct config properties;
    struct worker *worker;
    struct herder *herder;
    struct herder_type type;
    struct auth *auth;
    struct rest_settings settings;
    struct rest rest;
    unsigned choice;
    bool told; /* the input itself holds a secret */
};

/* ---- the stand-in for brokers and targets ---- */

static bool get_offsets(struct herder *herder, str name, struct herder_offsets *offsets,
                        struct herder_answer *answer)
{
    struct herder_info info;
    *offsets = (struct herder_offsets){.item = ARENA_NEW(answer->arena, struct herder_offset, 1)};
    CHECK(offsets->item);
    offsets->item[offsets->count++] = (struct herder_offset){STR("s.t"), 3, 17};
    return herder->type->info(herder, name, &info, answer);
}

static bool move_offsets(struct herder *herder, str name, const struct herder_offsets *offsets,
                         struct herder_answer *answer)
{
    struct herder_info info;
    for (size_t i = 0; offsets && i < offsets->count; i++)
        CHECK(offsets->item[i].offset >= OFFSET_NONE && offsets->item[i].partition >= 0);
    return herder->type->info(herder, name, &info, answer);
}

/* No thread of the worker does its rounds here. */
static void health(struct herder *herder, bool *live, bool *ready, struct herder_answer *answer)
{
    (void)herder, (void)answer;
    *live = *ready = true;
}

/* ---- the stage ---- */

static void add_connector(struct stage *stage, const char *text, enum target_state target)
{
    struct config config;
    struct fault fault;
    config_init(&config, &stage->arena);
    for (str rest = str_from(text), pair; str_split(&rest, '\n', &pair);) {
        str key;
        CHECK(str_split(&pair, '=', &key));
        CHECK(config_set(&config, key, pair, STR("fuzz"), &fault));
    }
    CHECK(worker_put(stage->worker, config_find(&config, STR("name"))->value, &config, target,
                     &fault));
}

static void set_stage(struct stage *stage, unsigned choice, str input)
{
    struct fault fault;
    *stage = (struct stage){.choice = choice};
    arena_init(&stage->arena, BYTES_LIMIT);
    config_init(&stage->properties, &stage->arena);
    CHECK(config_set(&stage->properties, STR("bootstrap.servers"), STR("127.0.0.1:1"), STR("fuzz"),
                     &fault));
    stage->worker = worker_new(&stage->properties, STR("127.0.0.1:8083"), &fault);
    stage->herder = stage->worker ? herder_standalone_new(stage->worker, &fault) : NULL;
    CHECK(stage->herder);
    stage->type = *stage->herder->type;
    stage->type.get_offsets = get_offsets;
    stage->type.move_offsets = move_offsets;
    stage->type.health = health;
    stage->herder->type = &stage->type;
    CHECK(rest_settings_load(&stage->properties, &stage->settings, &fault));
    stage->settings.secrets = choice & CHOICE_HIDE ? SECRETS_HIDE : SECRETS_WRITERS;
    if (choice & CHOICE_AUTH)
        CHECK((stage->auth = auth_parse(STR(CREDENTIALS), "fuzz", &fault)));
    stage->rest = (struct rest){.settings = &stage->settings,
                                .herder = stage->herder,
                                .auth = stage->auth,
                                .loopback = !(choice & CHOICE_OPEN)};
    stage->told = str_find(input, STR(WRITTEN)) >= 0 || str_find(input, STR(BEHIND)) >= 0;
    add_connector(stage,
                  "name=one\nconnector.class=PostgresSink\ntopics=s.t\ntable=t\npivot.fields=*\n"
                  "connection.uri=postgresql://u:" WRITTEN "@127.0.0.1:1/d\n"
                  "consumer.override.sasl.password=" WRITTEN,
                  TARGET_STARTED);
    add_connector(stage,
                  "name=a/b \"\xc3\xbc\nconnector.class=PostgresSink\ntopics=s.t\ntable=t\n"
                  "pivot.fields=*\nconnection.uri=host=h password='${env:FUZZ_BEHIND}'",
                  TARGET_STOPPED);
}

static void clear_stage(struct stage *stage)
{
    stage->herder->type->stop(stage->herder);
    worker_free(stage->worker);
    auth_free(stage->auth);
    arena_release(&stage->arena);
    log_set_level(LOG_ERROR); /* it may have been changed by request */
}

/* ---- requests ---- */

static void take_header(struct request *request, str line)
{
    static const struct {
        const char *name;
        size_t offset;
    } known[] = {{"Host", offsetof(struct request, host)},
                 {"Origin", offsetof(struct request, origin)},
                 {"Sec-Fetch-Site", offsetof(struct request, fetch_site)},
                 {"Authorization", offsetof(struct request, authorization)},
                 {"Content-Type", offsetof(struct request, content_type)},
                 {"Accept", offsetof(struct request, accept)}};
    str name;
    if (!str_split(&line, ':', &name))
        return;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (name.len != strlen(known[i].name)
            || strncasecmp(name.ptr, known[i].name, name.len) != 0)
            continue;
        str value = str_trim(line);
        if (!value.ptr)
            value = STR("");
        memcpy((char *)request + known[i].offset, &value, sizeof(value));
    }
}

/* An HTTP server gives no byte of these to us: they end the head, or the text. */
static str without_ends(str head, struct arena *arena)
{
    char *copy = arena_alloc(arena, head.len + 1);
    size_t len = 0;
    CHECK(copy);
    for (size_t i = 0; i < head.len; i++)
        if (head.ptr[i] != '\0' && head.ptr[i] != '\r')
            copy[len++] = head.ptr[i];
    return (str){copy, len};
}

static void read_request(struct request *request, str text, unsigned choice)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    ptrdiff_t end = str_find(text, STR("\n\n"));
    str head = without_ends(end < 0 ? text : str_head(text, (size_t)end), request->arena);
    str line = STR_EMPTY, method = STR_EMPTY;
    request->body = end < 0 ? STR_EMPTY : str_from_at(text, (size_t)end + 2);
    if (str_split(&head, '\n', &line) && !str_split(&line, ' ', &method))
        method = STR_EMPTY;
    for (request->method = METHOD_GET; request->method < METHOD_OTHER; request->method++)
        if (str_is(method, methods[request->method]))
            break;
    request->query = line;
    if (!str_split(&request->query, '?', &request->path))
        request->path = STR_EMPTY;
    while (str_split(&head, '\n', &line))
        take_header(request, line);
    if (choice & (CHOICE_READER | CHOICE_WRITER))
        request->authorization = choice & CHOICE_READER ? STR(READ_HEADER) : STR(WRITE_HEADER);
    request->tls = choice & CHOICE_TLS;
}

/* ---- answers ---- */

static int take_number(void *context, const char *text, size_t len)
{
    (void)context, (void)text, (void)len;
    return 1;
}

static void check_json(str text)
{
    static const yajl_callbacks calls = {.yajl_number = take_number};
    yajl_handle yajl = yajl_alloc(&calls, NULL, NULL);
    CHECK(yajl);
    CHECK(yajl_parse(yajl, (const unsigned char *)text.ptr, text.len) == yajl_status_ok);
    CHECK(yajl_complete_parse(yajl) == yajl_status_ok);
    yajl_free(yajl);
}

/* The statuses that requests can have; 500 would be an answer to an error of the environment, and
   there is none here. */
static bool is_known(int status)
{
    static const int known[] = {200, 201, 202, 204, 302, 400, 401, 403, 404, 405, 406, 409, 415};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i] == status)
            return true;
    return false;
}

static void check_header(str text)
{
    for (size_t i = 0; i < text.len; i++)
        CHECK((unsigned char)text.ptr[i] >= 0x20);
}

static void check_secrets(const struct stage *stage, const struct request *request,
                          const struct response *response)
{
    bool may_see = request->right == RIGHT_WRITE && !(stage->choice & CHOICE_HIDE);
    str text[] = {buf_view(&response->body), response->location, response->allow};
    if (stage->told)
        return;
    for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
        CHECK(str_find(text[i], STR(BEHIND)) < 0);
        CHECK(may_see || str_find(text[i], STR(WRITTEN)) < 0);
    }
}

static void check_answer(const struct stage *stage, const struct request *request,
                         const struct response *response)
{
    str body = buf_view(&response->body);
    bool json = response->content_type && strcmp(response->content_type, CONTENT_JSON) == 0;
    CHECK(is_known(response->status));
    CHECK(!response->body.failed);
    CHECK((body.len > 0) == (response->content_type != NULL));
    CHECK(body.len == 0 || response->status != 204);
    CHECK((response->location.len > 0) == (response->status == 201 || response->status == 302));
    CHECK(
        (response->allow.len > 0)
        == (response->status == 405
            || (request->method == METHOD_OPTIONS && !request->route && response->status == 200)));
    if (json)
        check_json(body);
    if (response->status >= 400) {
        char start[40];
        snprintf(start, sizeof(start), "{\"error_code\":%d,\"message\":\"", response->status);
        CHECK(json && str_starts(body, str_from(start)));
        CHECK(body.len > strlen(start) + 2);
    }
    check_header(response->location);
    check_header(response->allow);
    check_secrets(stage, request, response);
}

static void answer(struct stage *stage, str text)
{
    struct arena arena;
    struct response response;
    arena_init(&arena, REQUEST_BYTES_LIMIT);
    struct request request = {.arena = &arena, .rest = &stage->rest};
    str copy = copy_exact(text);
    read_request(&request, copy, stage->choice);
    response_init(&response);
    rest_answer(&request, &response);
    check_answer(stage, &request, &response);
    response_release(&response);
    arena_release(&arena);
    free((char *)(uintptr_t)copy.ptr);
}

/* Whatever was asked before, every connector that is listed has a configuration. */
static void check_listed(struct stage *stage)
{
    struct arena arena;
    struct str_list names;
    struct herder_info info;
    arena_init(&arena, BYTES_LIMIT);
    struct herder_answer answer = {.arena = &arena};
    CHECK(stage->type.list(stage->herder, &names, &answer));
    for (size_t i = 0; i < names.count; i++) {
        CHECK(names.item[i].len > 0 && is_utf8(names.item[i]));
        CHECK(stage->type.info(stage->herder, names.item[i], &info, &answer));
        const struct config_entry *name = config_find(&info.config, STR("name"));
        CHECK(name && str_eq(name->value, names.item[i]));
    }
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stage stage;
    str input = {(const char *)data, size}, text;
    log_set_level(LOG_ERROR);
    setenv("FUZZ_BEHIND", BEHIND, 1);
    unsigned choice = take_byte(&input);
    set_stage(&stage, choice, input);
    for (int i = 0; i < REQUEST_COUNT && str_split(&input, BETWEEN, &text); i++)
        answer(&stage, text);
    check_listed(&stage);
    clear_stage(&stage);
    return 0;
}
