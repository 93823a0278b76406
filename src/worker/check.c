/*
 * The order of a check: what comes later needs what was before.
 */
#include "check.h"

#include <libgen.h>
#include <unistd.h>

#include "check_steps.h"
#include "config_file.h"
#include "decoders.h"
#include "log.h"
#include "mem.h"

#define CONFIG_BYTES_LIMIT ((size_t)16 * 1024 * 1024)
#define SAMPLE_BYTES_LIMIT ((size_t)512 * 1024 * 1024)
#define DAY_MS ((int64_t)24 * 3600 * 1000)

/* ---- configuration ---- */

/* Whether a URI or connection string has a password in it. */
static bool has_password(str value)
{
    ptrdiff_t scheme = str_find(value, STR("://"));
    if (str_find(value, STR("password=")) >= 0)
        return true;
    if (scheme < 0)
        return false;
    str rest = str_from_at(value, (size_t)scheme + 3), host;
    if (!str_split(&rest, '/', &host))
        return false;
    ptrdiff_t colon = str_find(host, STR(":")), at = str_find(host, STR("@"));
    return colon >= 0 && at > colon;
}

static bool is_secret(const struct config_entry *entry)
{
    static const char *const words[] = {"password", "secret", "passphrase", "token"};
    if (entry->value.len == 0 || str_find(entry->value, STR("${")) >= 0)
        return false;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (str_find(entry->key, str_from(words[i])) >= 0)
            return true;
    return str_ends(entry->key, STR(".uri")) && has_password(entry->value);
}

void check_secrets(const char *path, struct findings *findings)
{
    struct arena arena;
    struct config config;
    struct fault fault;
    arena_init(&arena, CONFIG_BYTES_LIMIT);
    config_init(&config, &arena);
    bool good = config_file_read(&config, path, &fault);
    for (size_t i = 0; good && i < config.count; i++)
        if (is_secret(&config.entry[i]))
            findings_add(findings, FINDING_WARN,
                         "configuration: %.*s in %s is a secret that anyone who reads the file "
                         "knows; write ${env:NAME}, ${file:/path:key} or ${dir:/path:name}",
                         STR_ARG(config.entry[i].key), path);
    arena_release(&arena);
}

str check_table_value(const struct check *check, const char *key, str schema, str table)
{
    char name[1000];
    const struct config *config = &check->connector.config;
    snprintf(name, sizeof(name), "%s.%.*s.%.*s", key, STR_ARG(schema), STR_ARG(table));
    const struct config_entry *entry = config_find(config, str_from(name));
    entry = entry ? entry : config_find(config, str_from(key));
    return entry ? entry->value : STR_EMPTY;
}

/* Dead letters must have a place by the time there is one. */
static void check_letter_file(struct check *check)
{
    char path[4096], folder[4096];
    str file = check->settings.letters_file;
    if (file.len == 0)
        return;
    snprintf(path, sizeof(path), "%.*s", STR_ARG(file));
    snprintf(folder, sizeof(folder), "%s", path);
    bool there = access(path, F_OK) == 0;
    if (access(there ? path : dirname(folder), W_OK) != 0)
        findings_add(check->findings, FINDING_FAIL,
                     "dead letters: errors.deadletterqueue.file=%s cannot be written by this user; "
                     "name another, or grant the right",
                     path);
}

static void check_letter_topic(struct check *check)
{
    struct fault fault = {0};
    str topic = check->settings.letters_topic;
    bool there;
    if (topic.len == 0)
        return;
    for (size_t i = 0; i < check->offsets.topics.count; i++)
        if (str_eq(check->offsets.topics.item[i].name, topic))
            findings_add(check->findings, FINDING_FAIL,
                         "dead letters: the connector reads the topic %.*s that they go to; name "
                         "another in errors.deadletterqueue.topic.name",
                         STR_ARG(topic));
    if (check->settings.tolerance == TOLERANCE_NONE)
        findings_add(check->findings, FINDING_WARN,
                     "dead letters: none go to topic %.*s while errors.tolerance=none: the first "
                     "bad record stops its task; set errors.tolerance=all to leave it out",
                     STR_ARG(topic));
    else if (!kafka_apart_has_topic(check->offsets.source, topic, &there, OFFSETS_WAIT_MS, &fault))
        findings_add(check->findings, FINDING_FAIL,
                     "dead letters: topic %.*s: %s; grant the producer Describe and Write on it",
                     STR_ARG(topic), fault.text);
    else
        findings_add(check->findings, FINDING_OK, "dead letters: topic %.*s %s", STR_ARG(topic),
                     there ? "is there" : "is made with the first one");
}

/* The pivot says once per table what it misses. */
static void warn(void *context, const char *text)
{
    const struct check *check = context;
    findings_add(check->findings, FINDING_WARN, "events: %s", text);
}

/* The decoder once more, without types. */
static bool make_raw(struct check *check, struct fault *fault)
{
    struct config config;
    config_init(&config, check->connector.config.arena);
    return config_add(&config, &check->connector.config, fault)
           && config_set(&config, STR("pivot.values"), STR("raw"), STR("check"), fault)
           && (check->raw = decoder_new(&config, fault));
}

static bool make_parts(struct check *check, struct fault *fault)
{
    const struct config *config = &check->connector.config;
    if (!offsets_make(&check->offsets, &check->connector, warn, check, fault)
        || !option_load(&task_options, config, &check->settings, fault)
        || !option_load(&delivery_options, config, &check->settings, fault)
        || !task_check_letters(&check->settings, true, fault)
        || !(check->decoder = decoder_new(config, fault)) || !make_raw(check, fault))
        return false;
    check_letter_file(check);
    return true;
}

static bool check_configuration(struct check *check, const struct config *worker, const char *path)
{
    struct fault fault = {0};
    bool good = connector_load(&check->connector, worker, path, &fault)
                && make_parts(check, &fault);
    if (good)
        findings_add(check->findings, FINDING_OK, "configuration: %s can be used", path);
    else
        findings_add(check->findings, FINDING_FAIL, "configuration: %s", fault.text);
    return good;
}

/* ---- Kafka ---- */

static const char *broker_remedy(const struct fault *fault)
{
    if (strstr(fault->text, "refused") || strstr(fault->text, "resolve"))
        return "start Kafka, or correct bootstrap.servers";
    if (strstr(fault->text, "SASL") || strstr(fault->text, "uthentication"))
        return "correct consumer.sasl.mechanism, consumer.sasl.username and "
               "consumer.sasl.password";
    if (strstr(fault->text, "SSL") || strstr(fault->text, "ssl")
        || strstr(fault->text, "ertificate"))
        return "correct consumer.security.protocol and consumer.ssl.ca.location";
    return "correct bootstrap.servers, and consumer.security.protocol where the brokers want TLS "
           "or SASL";
}

static bool check_brokers(struct check *check)
{
    struct fault fault = {0};
    const struct config_entry *entry = config_find(&check->connector.config,
                                                   STR("bootstrap.servers"));
    str servers = entry ? entry->value : STR("localhost:9092");
    if (!kafka_apart_topics(check->offsets.source, &check->offsets.topics, OFFSETS_WAIT_MS,
                            &fault)) {
        findings_add(check->findings, FINDING_FAIL, "brokers %.*s: %s; %s", STR_ARG(servers),
                     fault.text, broker_remedy(&fault));
        return false;
    }
    findings_add(check->findings, FINDING_OK, "brokers %.*s: %d in the cluster", STR_ARG(servers),
                 check->offsets.topics.broker_count);
    return true;
}

static void check_retention(struct check *check, str topic)
{
    struct fault ignored;
    str policy, retention;
    int64_t kept_ms;
    struct source *source = check->offsets.source;
    /* Who may not ask for them may still read the topic. */
    if (!kafka_apart_setting(source, topic, "cleanup.policy", &check->arena, &policy,
                             OFFSETS_WAIT_MS, &ignored)
        || !kafka_apart_setting(source, topic, "retention.ms", &check->arena, &retention,
                                OFFSETS_WAIT_MS, &ignored))
        return;
    if (str_find(policy, STR("compact")) >= 0)
        findings_add(check->findings, FINDING_WARN,
                     "topic %.*s: cleanup.policy=%.*s: of several changes of one row only the last "
                     "is kept, and the others are lost to whoever reads later; set it to delete",
                     STR_ARG(topic), STR_ARG(policy));
    if (str_to_int64(retention, &kept_ms) && kept_ms >= 0 && kept_ms < DAY_MS
        && str_find(policy, STR("delete")) >= 0)
        findings_add(check->findings, FINDING_WARN,
                     "topic %.*s: retention.ms=%.*s: what is not read within %.1f hours is lost; "
                     "keep it for longer than the longest outage",
                     STR_ARG(topic), STR_ARG(retention), (double)kept_ms / 3600000);
}

static void check_topic(struct check *check, const struct kafka_topic *topic)
{
    struct source *source = check->offsets.source;
    int64_t waiting = 0;
    if (topic->missing) {
        findings_add(check->findings, FINDING_FAIL,
                     "topic %.*s: it is not there%s%.*s; correct topics, or let Debezium make it "
                     "by its first event",
                     STR_ARG(topic->name), topic->like.len ? ", but there is " : "",
                     STR_ARG(topic->like));
        return;
    }
    if (topic->partition_count == 0) {
        findings_add(check->findings, FINDING_FAIL,
                     "topic %.*s: %.*s; grant the consumer Describe and Read on it",
                     STR_ARG(topic->name), STR_ARG(topic->refusal));
        return;
    }
    for (size_t i = 0; i < source->lane_count; i++)
        if (str_eq(source->lane[i].topic, topic->name))
            waiting += source->lane[i].high - source->lane[i].low;
    findings_add(check->findings, FINDING_OK, "topic %.*s: %d partition%s, %lld offsets",
                 STR_ARG(topic->name), topic->partition_count,
                 topic->partition_count == 1 ? "" : "s", (long long)waiting);
    check_retention(check, topic->name);
}

static bool check_topics(struct check *check)
{
    struct fault fault = {0};
    struct offsets *offsets = &check->offsets;
    bool described = kafka_apart_describe(offsets->source, OFFSETS_WAIT_MS, &fault);
    offsets->sink->origin = offsets->source->identity;
    for (size_t i = 0; i < offsets->topics.count; i++)
        check_topic(check, &offsets->topics.item[i]);
    if (offsets->topics.count == 0)
        findings_add(check->findings, FINDING_WARN,
                     "topics: topics.regex matches none yet; it must match the whole name");
    if (!described)
        findings_add(check->findings, FINDING_FAIL,
                     "brokers: %s; grant the consumer Read on its topics and its group",
                     fault.text);
    return described;
}

static void check_group(struct check *check)
{
    struct fault fault = {0};
    struct kafka_group *group = &check->offsets.group;
    if (kafka_apart_group(check->offsets.source, group, OFFSETS_WAIT_MS, &fault))
        findings_add(check->findings, FINDING_OK, "group %s: %d member%s", group->name,
                     group->member_count, group->member_count == 1 ? "" : "s");
    else
        findings_add(check->findings, FINDING_FAIL,
                     "group %s: %s; grant the consumer Read on this group", group->name,
                     fault.text);
    check_letter_topic(check);
}

/* ---- positions ---- */

static void compare_group(struct check *check)
{
    const struct offsets *offsets = &check->offsets;
    for (size_t i = 0; i < offsets->source->lane_count; i++) {
        const struct lane *lane = &offsets->source->lane[i];
        int64_t stored = offsets->note[i].memory.next;
        if (stored == OFFSET_NONE || lane->committed == OFFSET_NONE || lane->committed <= stored)
            continue;
        findings_add(check->findings, FINDING_WARN,
                     "positions: %.*s[%d] stands at %lld in the target, the group at %lld: the "
                     "target was restored or moved; reading goes on at %lld",
                     STR_ARG(lane->topic), lane->partition, (long long)stored,
                     (long long)lane->committed, (long long)stored);
    }
}

/* What the worker will resolve at its start, by the very rules it does. A target that was found
   broken is not told twice. */
static void check_positions(struct check *check, bool target_failed)
{
    struct offsets *offsets = &check->offsets;
    struct fault fault = {0};
    size_t count = offsets->source->lane_count;
    struct memory *memory = ARENA_NEW(&check->arena, struct memory, count);
    int64_t waiting = 0, gone = 0;
    if (!offsets_read_target(offsets, &fault)) {
        if (!target_failed)
            findings_add(check->findings, FINDING_FAIL, "positions: %s", fault.text);
        return;
    }
    for (size_t i = 0; memory && i < count; i++)
        memory[i] = offsets->note[i].memory;
    if (!memory
        || !start_resolve(offsets->source->lane, memory, count, offsets->sink->type,
                          (enum start_reset)offsets->reset, &fault)) {
        findings_add(check->findings, FINDING_FAIL, "positions: %s", fault.text);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct lane *lane = &offsets->source->lane[i];
        waiting += lane->high > lane->next ? lane->high - lane->next : 0;
        if (memory[i].next == OFFSET_NONE && lane->next == lane->low)
            gone += lane->low;
    }
    if (gone > 0)
        findings_add(
            check->findings, FINDING_WARN,
            "positions: the first %lld records of what is read from its beginning are gone "
            "already: retention passed",
            (long long)gone);
    compare_group(check);
    if (count > 0)
        findings_add(check->findings, FINDING_OK, "positions: %lld offsets wait to be read",
                     (long long)waiting);
}

/* ---- all of it ---- */

static void check_target(struct check *check)
{
    const struct sink_desk *desk = check->offsets.sink->type->desk;
    if (desk)
        desk->check(check->offsets.sink, &check->sample, check->findings);
    else
        findings_add(check->findings, FINDING_OK, "target: %s, nothing to look at",
                     check->offsets.sink->type->name);
}

static void look(struct check *check)
{
    bool kafka = check_brokers(check) && check_topics(check);
    if (kafka)
        check_group(check);
    bool read = kafka && check_sample(check);
    size_t failed = check->findings->count[FINDING_FAIL];
    check_target(check);
    if (read)
        check_positions(check, check->findings->count[FINDING_FAIL] > failed);
    check_source(check);
}

bool check_connector(const struct config *worker, const char *path, struct findings *findings)
{
    struct check *check = mem_alloc(sizeof(*check));
    if (!check) {
        findings_add(findings, FINDING_FAIL, "not enough memory");
        return true;
    }
    *check = (struct check){.findings = findings};
    arena_init(&check->arena, CONFIG_BYTES_LIMIT);
    batch_init(&check->sample, SAMPLE_BYTES_LIMIT);
    check_secrets(path, findings);
    bool usable = check_configuration(check, worker, path);
    if (usable)
        look(check);
    batch_release(&check->sample); /* before the source that its records belong to */
    decoder_free(check->decoder);
    decoder_free(check->raw);
    offsets_close(&check->offsets);
    connector_release(&check->connector);
    arena_release(&check->arena);
    mem_free(check);
    return usable;
}
