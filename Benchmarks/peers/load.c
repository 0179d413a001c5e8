/*
 * Load and judge of the MQTT comparison: publishes JSON readings at QoS 1, and gets what the function makes
 * of them, as a subscriber at QoS 1. Two connections over mutual TLS, one process, so that one clock times
 * both.
 *
 *   load PORT DIRECTORY IN-TOPIC OUT-TOPIC CPU-TEMPERATURE SECONDS RATE WINDOW
 *
 * RATE is readings per second, 0 for full speed. WINDOW is the most readings that are published and have not
 * come out yet. The first second is not measured. Prints one line of JSON. Ends with an error where a reading
 * does not come out, or is not what the formula makes of it.
 */
#include <math.h>
#include <mosquitto.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAXIMUM = 4 * 1000 * 1000, PAYLOAD = 256 };
static const double WARM_UP = 1.0;
static const double PATIENCE = 30.0;
static const double HELD_UP = 0.005;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long sent, received, wrong;
static int connected, subscribed;
static double *sent_at, *took;
static double cpu;
static const char *out_topic;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail(const char *what, const char *why) {
    fprintf(stderr, "load: %s: %s\n", what, why);
    exit(1);
}

static void require(int code, const char *what) {
    if (code != MOSQ_ERR_SUCCESS) fail(what, mosquitto_strerror(code));
}

static double temperature(long number) { return 21.375 + (double)(number % 100) / 64; }

/* A number of the payload, NAN where it is not there. */
static double member(const char *text, const char *name) {
    const char *found = strstr(text, name);
    return found ? strtod(found + strlen(name), NULL) : NAN;
}

static void on_connect(struct mosquitto *client, void *subscribes, int code) {
    if (code != 0) fail("connecting", mosquitto_connack_string(code));
    if (subscribes) require(mosquitto_subscribe(client, NULL, out_topic, 1), "subscribing");
    pthread_mutex_lock(&lock);
    connected += 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void on_subscribe(struct mosquitto *client, void *state, int id, int count, const int *granted) {
    (void)client, (void)state, (void)id;
    if (count != 1 || granted[0] != 1) fail("subscribing", "QoS 1 was not granted");
    pthread_mutex_lock(&lock);
    subscribed = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void on_message(struct mosquitto *client, void *state, const struct mosquitto_message *message) {
    (void)client, (void)state;
    double arrived = now();
    char text[PAYLOAD * 2];
    int length = message->payloadlen < (int)sizeof text ? message->payloadlen : (int)sizeof text - 1;
    memcpy(text, message->payload, (size_t)length);
    text[length] = 0;
    double number = member(text, "\"sequence\": ");
    double value = member(text, "\"temperature\": ");
    pthread_mutex_lock(&lock);
    bool known = number >= 0 && number < (double)sent;
    if (!known || !(fabs(value - (2 * temperature((long)number) - cpu)) < 1e-9)) {
        wrong += 1;
    } else if (took[(long)number] < 0) {
        took[(long)number] = arrived - sent_at[(long)number];
        received += 1;
    }
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static struct mosquitto *client(const char *name, int port, const char *directory, bool subscribes) {
    char root[4096], chain[4096], key[4096];
    snprintf(root, sizeof root, "%s/root.pem", directory);
    snprintf(chain, sizeof chain, "%s/chain.pem", directory);
    snprintf(key, sizeof key, "%s/key.pem", directory);
    struct mosquitto *made = mosquitto_new(name, true, subscribes ? (void *)1 : NULL);
    if (!made) fail("mosquitto_new", "no memory");
    require(mosquitto_tls_set(made, root, NULL, chain, key, NULL), "TLS");
    require(mosquitto_int_option(made, MOSQ_OPT_TCP_NODELAY, 1), "TCP_NODELAY");
    require(mosquitto_max_inflight_messages_set(made, 0), "messages in flight");
    mosquitto_connect_callback_set(made, on_connect);
    mosquitto_subscribe_callback_set(made, on_subscribe);
    mosquitto_message_callback_set(made, on_message);
    require(mosquitto_connect(made, "127.0.0.1", port, 60), "connecting");
    require(mosquitto_loop_start(made), "the client's thread");
    return made;
}

/* Waits, with the lock held, until somebody has signalled, or for a moment. */
static void wait_a_moment(double seconds) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    long nanoseconds = until.tv_nsec + (long)(seconds * 1e9);
    until.tv_sec += nanoseconds / 1000000000L;
    until.tv_nsec = nanoseconds % 1000000000L;
    pthread_cond_timedwait(&changed, &lock, &until);
}

static int ascending(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

int main(int count, char **arguments) {
    if (count != 9) fail("usage", "PORT DIRECTORY IN-TOPIC OUT-TOPIC CPU-TEMPERATURE SECONDS RATE WINDOW");
    int port = atoi(arguments[1]);
    const char *directory = arguments[2], *in_topic = arguments[3];
    out_topic = arguments[4];
    cpu = atof(arguments[5]);
    double seconds = atof(arguments[6]), rate = atof(arguments[7]);
    long window = atol(arguments[8]);
    sent_at = malloc(MAXIMUM * sizeof *sent_at);
    took = malloc(MAXIMUM * sizeof *took);
    if (!sent_at || !took) fail("malloc", "no memory");

    mosquitto_lib_init();
    client("judge", port, directory, true);
    struct mosquitto *publisher = client("load", port, directory, false);
    pthread_mutex_lock(&lock);
    for (double end = now() + PATIENCE; connected < 2 || !subscribed;) {
        if (now() > end) fail("connecting", "no answer");
        wait_a_moment(0.05);
    }

    double start = now(), measured = start + WARM_UP, end = measured + seconds;
    long first = -1, received_before = 0;
    while (now() < end && sent < MAXIMUM) {
        while (sent - received >= window && now() < end) wait_a_moment(0.05);
        double due = rate > 0 ? start + (double)sent / rate : 0, ahead = due - now();
        if (ahead > 0) {
            pthread_mutex_unlock(&lock);
            struct timespec pause = {0, (long)(fmin(ahead, 0.5) * 1e9)};
            nanosleep(&pause, NULL);
            pthread_mutex_lock(&lock);
            continue;
        }
        if (first < 0 && now() >= measured) {
            first = sent;
            received_before = received;
            measured = now();
        }
        char payload[PAYLOAD];
        int length = snprintf(
            payload, sizeof payload,
            "{\"sequence\": %ld, \"time\": %.6f, \"temperature\": %.6f, \"humidity\": 48.25, "
            "\"pressure\": 1013.25, \"gas_resistance\": 120034.5}",
            sent, now(), temperature(sent));
        /* A reading that was held up counts from when it was due. */
        double moment = now();
        sent_at[sent] = rate > 0 && moment - due > HELD_UP ? due : moment;
        took[sent] = -1;
        sent += 1;
        pthread_mutex_unlock(&lock);
        require(mosquitto_publish(publisher, NULL, in_topic, length, payload, 1, false), "publishing");
        pthread_mutex_lock(&lock);
    }
    double stopped = now();
    long during = received - received_before;
    for (double limit = now() + PATIENCE; received < sent && now() < limit;) wait_a_moment(0.05);
    if (wrong > 0) fail("the function", "a reading that came out is not what the formula makes of it");
    if (received < sent) {
        fprintf(stderr, "load: %ld of %ld readings did not come out\n", sent - received, sent);
        return 1;
    }
    if (first < 0 || first >= sent) fail("measuring", "nothing was measured");
    long timed = sent - first;
    qsort(took + first, (size_t)timed, sizeof *took, ascending);
    double p50 = took[first + (timed - 1) / 2], p99 = took[first + (timed - 1) * 99 / 100];
    printf("{\"readings\": %ld, \"seconds\": %.6f, \"p50_ms\": %.4f, \"p99_ms\": %.4f}\n", during,
           stopped - measured, p50 * 1e3, p99 * 1e3);
    return 0;
}
