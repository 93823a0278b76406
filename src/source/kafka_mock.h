/*
 * kafka_mock: a Kafka broker inside this process, librdkafka's own, filled with records. It holds
 * what `demo` shows; whoever reads from it does so as from any broker.
 */
#ifndef FIELDTRAIL_KAFKA_MOCK_H
#define FIELDTRAIL_KAFKA_MOCK_H

#include <fieldtrail/fault.h>
#include <fieldtrail/str.h>

/* Its id in messages and stored positions. librdkafka makes up another at every start, though the
   same records are there. */
#define KAFKA_MOCK_CLUSTER "mockCluster"

struct kafka_mock;

/* Starts a broker with one topic of one partition and puts the records into it, with their keys,
   headers and times: objects of kcat -J, one a line. The texts are borrowed for the call. NULL with
   the fault set. */
struct kafka_mock *kafka_mock_new(str topic, str capture, struct fault *fault);
void kafka_mock_free(struct kafka_mock *mock);

/* For bootstrap.servers; lives as long as the broker. */
const char *kafka_mock_servers(const struct kafka_mock *mock);

/* How many records it was filled with. */
uint64_t kafka_mock_count(const struct kafka_mock *mock);

#endif
