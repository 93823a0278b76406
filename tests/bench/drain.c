/*
 * What librdkafka alone can do: reads all partitions of a topic from their beginning to their end
 * and does nothing with the messages. Prints messages, bytes and seconds.
 *
 *     drain BROKERS TOPIC PARTITIONS [NAME=VALUE...]
 */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void set(rd_kafka_conf_t *settings, const char *name, const char *value)
{
    char text[512];
    if (rd_kafka_conf_set(settings, name, value, text, sizeof(text)) == RD_KAFKA_CONF_OK)
        return;
    fprintf(stderr, "drain: %s\n", text);
    exit(2);
}

static rd_kafka_t *consumer(int argc, char **argv)
{
    char text[512];
    rd_kafka_conf_t *settings = rd_kafka_conf_new();
    set(settings, "bootstrap.servers", argv[1]);
    set(settings, "group.id", "drain");
    set(settings, "enable.auto.commit", "false");
    set(settings, "enable.partition.eof", "true");
    for (int i = 4; i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        if (!equals)
            exit(2);
        *equals = '\0';
        set(settings, argv[i], equals + 1);
    }
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, settings, text, sizeof(text));
    if (!client) {
        fprintf(stderr, "drain: %s\n", text);
        exit(2);
    }
    rd_kafka_poll_set_consumer(client);
    return client;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    int left = atoi(argv[3]);
    long long messages = 0, bytes = 0;
    rd_kafka_t *client = consumer(argc, argv);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(left);
    for (int i = 0; i < left; i++)
        rd_kafka_topic_partition_list_add(list, argv[2], i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    double began = now();
    rd_kafka_assign(client, list);
    while (left > 0) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(client, 1000);
        if (!message)
            continue;
        left -= message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        messages += !message->err;
        bytes += message->err ? 0 : (long long)message->len;
        rd_kafka_message_destroy(message);
    }
    printf("%lld %lld %.3f\n", messages, bytes, now() - began);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
    return 0;
}
