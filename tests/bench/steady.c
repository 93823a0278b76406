/*
 * Produces a message at each tick of a steady rate, whether or not it keeps up: a message that is
 * sent late still carries the time at which it was due. Prints how many, and by how many
 * microseconds the worst was late.
 *
 *     steady BROKERS TOPIC PARTITIONS RATE SECONDS < TEMPLATE
 *
 * Each @ of the template becomes the microsecond at which the message was due.
 */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEMPLATE_LIMIT 8192

static long long now_us(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

static rd_kafka_t *producer(const char *brokers)
{
    char text[512];
    rd_kafka_conf_t *settings = rd_kafka_conf_new();
    if (rd_kafka_conf_set(settings, "bootstrap.servers", brokers, text, sizeof(text))
        || rd_kafka_conf_set(settings, "linger.ms", "1", text, sizeof(text))
        || rd_kafka_conf_set(settings, "enable.idempotence", "true", text, sizeof(text))) {
        fprintf(stderr, "steady: %s\n", text);
        exit(2);
    }
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, settings, text, sizeof(text));
    if (!client) {
        fprintf(stderr, "steady: %s\n", text);
        exit(2);
    }
    return client;
}

/* The template with the time in it; its length. */
static size_t fill(char *out, const char *template, long long due)
{
    char *at = out;
    for (; *template; template ++)
        if (*template == '@')
            at += sprintf(at, "%lld", due);
        else
            *at++ = *template;
    return (size_t)(at - out);
}

static void wait_until(rd_kafka_t *client, long long due)
{
    long long left;
    rd_kafka_poll(client, 0);
    while ((left = due - now_us()) > 0) {
        struct timespec pause = {0, left > 1000 ? 1000000 : left * 1000};
        nanosleep(&pause, NULL);
    }
}

int main(int argc, char **argv)
{
    static char template[TEMPLATE_LIMIT], text[4 * TEMPLATE_LIMIT];
    if (argc != 6 || fread(template, 1, sizeof(template) - 1, stdin) == 0)
        return 2;
    int partitions = atoi(argv[3]);
    long long rate = atoll(argv[4]), count = rate * atoll(argv[5]), worst = 0;
    rd_kafka_t *client = producer(argv[1]);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, argv[2], NULL);
    long long began = now_us() + 500000;
    for (long long i = 0; i < count; i++) {
        long long due = began + i * 1000000 / rate;
        wait_until(client, due);
        size_t len = fill(text, template, due);
        while (rd_kafka_produce(topic, (int32_t)(i % partitions), RD_KAFKA_MSG_F_COPY, text, len,
                                NULL, 0, NULL)
               == -1)
            rd_kafka_poll(client, 1);
        long long late = now_us() - due;
        worst = late > worst ? late : worst;
    }
    if (rd_kafka_flush(client, 60000) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 1;
    printf("%lld %lld\n", count, worst);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(client);
    return 0;
}
