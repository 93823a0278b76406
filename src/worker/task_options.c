/*
 * The task's options, and setting one up.
 */
#include "clock.h"
#include "mem.h"
#include "task_steps.h"

#define PIPE_BLOCK_SIZE ((int64_t)256 * 1024)
#define BATCH_BYTES_LIMIT ((size_t)2 * 1024 * 1024 * 1024)

static const char *const tolerances[] = {"none", "all", NULL};
static const char *const tolerance_flags[] = {"stop", "skip", NULL};
static const char *const resets[] = {"earliest", "latest", "none", NULL};

#define SETTING(member) offsetof(struct task_settings, member)

static const struct option_spec option[] = {
    {.key = "errors.tolerance",
     .flag = "errors",
     .type = OPTION_ENUM,
     .choices = tolerances,
     .flag_choices = tolerance_flags,
     .preset = "none",
     .offset = SETTING(tolerance),
     .importance = OPTION_MEDIUM,
     .help = "What to do with a record that can never be processed: none (stop) ends there, after "
             "everything before it was written; all (skip) leaves it out, counts and keeps it."},
    {.key = "errors.deadletterqueue.file",
     .flag = "dead-letters",
     .type = OPTION_STRING,
     .offset = SETTING(letters_file),
     .importance = OPTION_MEDIUM,
     .argument = "FILE",
     .help = "Where records that were left out are kept, with the cause: JSON lines in the form of "
             "kcat -J, which can be read again after a fix. Appended to, and fsynced before the "
             "output goes on behind them."},
};

const struct option_table task_options = {
    .title = "Errors", .option = option, .count = sizeof(option) / sizeof(option[0])};

static const struct option_spec delivery[] = {
    {.key = "batch.rows.max",
     .type = OPTION_INT,
     .preset = "50000",
     .min = 1,
     .max = 10000000,
     .offset = SETTING(batch_rows_max),
     .importance = OPTION_MEDIUM,
     .help = "A flush happens at the latest after so many rows."},
    {.key = "batch.bytes.max",
     .type = OPTION_INT,
     .preset = "33554432",
     .min = 65536,
     .max = (int64_t)1 << 30,
     .offset = SETTING(batch_bytes_max),
     .importance = OPTION_MEDIUM,
     .help = "A flush happens at the latest after so many bytes of rows."},
    {.key = "flush.interval.ms",
     .type = OPTION_INT,
     .preset = "1000",
     .min = 1,
     .max = 3600000,
     .offset = SETTING(flush_interval_ms),
     .importance = OPTION_MEDIUM,
     .help = "A flush happens at the latest so long after the first record of a batch."},
    {.key = "linger.ms",
     .type = OPTION_INT,
     .preset = "0",
     .min = 0,
     .max = 60000,
     .offset = SETTING(linger_ms),
     .importance = OPTION_MEDIUM,
     .help = "A flush happens when nothing has been waiting for so long: a small load gets low "
             "latency, a large one large batches. The default is 200 for QuestDBSink, and 1000 for "
             "CsvSink, where a flush waits for the disk."},
    {.key = "errors.retry.delay.max.ms",
     .type = OPTION_INT,
     .preset = "60000",
     .min = 100,
     .max = 3600000,
     .offset = SETTING(retry_delay_max_ms),
     .importance = OPTION_MEDIUM,
     .help = "The longest wait between two attempts while a server is away."},
    {.key = "errors.retry.timeout",
     .type = OPTION_INT,
     .preset = "-1",
     .min = -1,
     .max = INT64_MAX / 2,
     .offset = SETTING(retry_timeout_ms),
     .importance = OPTION_MEDIUM,
     .help = "Milliseconds after which attempts end and the task fails; -1 is never."},
    {.key = "errors.deadletterqueue.topic.name",
     .type = OPTION_STRING,
     .offset = SETTING(letters_topic),
     .importance = OPTION_MEDIUM,
     .argument = "TOPIC",
     .help = "The topic that records go to which were left out, as they came: key, value, headers "
             "and timestamp. Each is acknowledged before its batch is flushed. Made when it is "
             "missing."},
    {.key = "errors.deadletterqueue.topic.replication.factor",
     .type = OPTION_INT,
     .preset = "0",
     .min = 0,
     .max = 100,
     .offset = SETTING(letters_replication),
     .importance = OPTION_MEDIUM,
     .help = "Replicas of that topic where it is made; 0 is three, or as many as there are "
             "brokers."},
    {.key = "errors.deadletterqueue.context.headers.enable",
     .type = OPTION_BOOL,
     .preset = "true",
     .offset = SETTING(letters_headers),
     .importance = OPTION_MEDIUM,
     .help = "Whether headers (__connect.errors.*) tell origin and cause; without them `fieldtrail "
             "deadletter` cannot replay."},
    {.key = "rebalance.flush.timeout.ms",
     .type = OPTION_INT,
     .preset = "150000",
     .min = 100,
     .max = 3600000,
     .offset = SETTING(revoke_flush_ms),
     .importance = OPTION_LOW,
     .help =
         "How long a flush may take when partitions are asked back; then they are given up, and "
         "whoever gets them does the rest again."},
    {.key = "auto.offset.reset",
     .type = OPTION_ENUM,
     .choices = resets,
     .preset = "earliest",
     .offset = SETTING(reset),
     .importance = OPTION_MEDIUM,
     .help = "Where a topic begins that nobody has read for this connector yet."},
};

const struct option_table delivery_options = {
    .title = "Delivery", .option = delivery, .count = sizeof(delivery) / sizeof(delivery[0])};

static struct dead_letters *open_topic(const struct task *task, const struct config *config,
                                       struct fault *fault)
{
    const struct config_entry *servers = config_find(config, STR("bootstrap.servers"));
    struct letter_topic topic = {.name = task->settings.letters_topic,
                                 .replication_factor = task->settings.letters_replication,
                                 .headers = task->settings.letters_headers,
                                 .servers = servers ? servers->value : STR("localhost:9092"),
                                 .config = config};
    return dead_letters_to_topic(&topic, fault);
}

bool task_check_letters(const struct task_settings *settings, bool must_keep, struct fault *fault)
{
    bool file = settings->letters_file.len > 0, topic = settings->letters_topic.len > 0;
    if (file && settings->tolerance == TOLERANCE_NONE)
        return fault_set(fault, FAULT_CONFIG,
                         "errors.deadletterqueue.file (--dead-letters) needs errors.tolerance=all "
                         "(--errors skip): otherwise the first bad record ends the run");
    if (file && topic)
        return fault_set(fault, FAULT_CONFIG,
                         "say either errors.deadletterqueue.topic.name or "
                         "errors.deadletterqueue.file");
    /* A pipe says how many it left out, and its input is still there. */
    if (settings->tolerance == TOLERANCE_ALL && must_keep && !file && !topic)
        return fault_set(fault, FAULT_CONFIG,
                         "errors.tolerance=all needs errors.deadletterqueue.topic.name (or "
                         "errors.deadletterqueue.file), where records are kept that are left out");
    return true;
}

static bool open_letters(struct task *task, const struct config *config, struct fault *fault)
{
    const struct task_settings *settings = &task->settings;
    if (!task_check_letters(settings, task->source->type->rewinds && !task->letters, fault))
        return false;
    /* Connect's users may have named a topic and tolerate nothing: then there are no letters. */
    if (!task->letters && settings->tolerance == TOLERANCE_ALL
        && settings->letters_file.len + settings->letters_topic.len > 0) {
        task->letters = settings->letters_file.len > 0
                            ? dead_letters_open(settings->letters_file, fault)
                            : open_topic(task, config, fault);
        if (!task->letters)
            return false;
    }
    if (task->letters) {
        const struct config_entry *name = config_find(config, STR("name"));
        task->letters->connector = name && task->source->type->rewinds ? name->value : STR_EMPTY;
        task->letters->task_id = task->id;
        task->letters->idle = task_idle;
        task->letters->idle_context = task;
    }
    return true;
}

bool task_init(struct task *task, const struct config *config, struct fault *fault)
{
    /* A pipe is flushed when nothing waits, and whenever a large block has gathered. */
    task->settings = (struct task_settings){.batch_rows_max = INT64_MAX,
                                            .batch_bytes_max = PIPE_BLOCK_SIZE,
                                            .flush_interval_ms = INT64_MAX};
    pthread_mutex_init(&task->mutex, NULL);
    task_count_init(task);
    batch_init(&task->batch, BATCH_BYTES_LIMIT);
    task->sink->idle = task_idle;
    task->sink->idle_context = task;
    if (!option_load(&task_options, config, &task->settings, fault)
        || (task->source->type->rewinds
            && !option_load(&delivery_options, config, &task->settings, fault)))
        return false;
    task->retry = (struct retry){.delay_max_ms = task->settings.retry_delay_max_ms,
                                 .timeout_ms = task->settings.retry_timeout_ms,
                                 .seed = (uint64_t)clock_now_us()};
    return open_letters(task, config, fault);
}

bool task_renew(struct task *task, const struct config *config, struct fault *fault)
{
    task->lane_capacity = 0; /* the new source has none yet, and then lanes of its own */
    task->claimed = task->dirty = task->commit_due = task->flush_refused = false;
    task->doubted = task->sink_ready = task->quick = task->resolving = false;
    task->dirty_rows = task->dirty_records = 0;
    task->taken_count = 0;
    task->give_up_ms = 0;
    if (task->halves)
        halves_clear(task->halves);
    task_search_release(task);
    task->search = (struct search){0};
    pthread_mutex_lock(&task->mutex);
    task->lane_status_count = 0;
    pthread_mutex_unlock(&task->mutex);
    retry_succeeded(&task->retry);
    task->failure = (struct fault){0};
    letter_set_clear(&task->lettered);
    dead_letters_close(task->letters);
    task->letters = NULL;
    return open_letters(task, config, fault);
}

void task_release(struct task *task)
{
    dead_letters_close(task->letters);
    task->letters = NULL;
    batch_release(&task->batch);
    mem_free(task->reach);
    mem_free(task->flushed);
    mem_free(task->flushed_held);
    mem_free(task->memory);
    mem_free(task->lane_status);
    letter_set_release(&task->lettered);
    task_search_release(task);
    task_count_release(task);
    pthread_mutex_destroy(&task->mutex);
}
