// The yardstick: the least a client can do and still time every event. One thread, one stamp a read
// taken in user space, a scan of the bytes for event ends, the stamps into arrays. Linux only.
//
//   client --port N --streams 500 --events 100 --ramp 1 --warmup 1 --window 4 [--stamps FILE]
#define _GNU_SOURCE
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES 65536
#define READY_PER_TURN 512
#define TURN_MS 1
// A role event comes before the content; a finish event, a usage event and [DONE] after it.
#define EVENTS_BEFORE 1
#define EVENTS_AFTER 3

static struct {
  int port, streams, events;
  double ramp_s, warmup_s, window_s;
  const char *stamps;
} options = {.streams = 500, .events = 100, .ramp_s = 1, .warmup_s = 1, .window_s = 4};

struct stream {
  int fd;
  bool after_lf;  // The last byte read was a line feed.
  int events;     // Events of the current answer so far.
  char last[5];   // The last bytes read, to know the end of the body.
  double *stamps;
};

static struct stamp_log stamps;
static int epoll_fd, next_id;
static uint64_t lost;

static void ask(struct stream *stream) {
  static const char body[] =
      "{\"messages\":[{\"role\":\"user\",\"content\":\"Count to one hundred, please.\"}],"
      "\"model\":\"mock\",\"stream\":true,\"stream_options\":{\"include_usage\":true}}";
  char request[1024];
  int id = next_id++;
  int length = snprintf(request, sizeof request,
                        "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:%d\r\n"
                        "content-type: application/json\r\nx-request-id: bench-%d\r\n"
                        "content-length: %zu\r\n\r\n%s",
                        options.port, id, sizeof body - 1, body);
  stream->events = 0;
  stream->after_lf = false;
  stream->stamps = stamp_answer(&stamps, id);
  if (send(stream->fd, request, (size_t)length, MSG_NOSIGNAL) != length) fail("send");
}

// An event ends with an empty line. Chunk sizes and headers end with CR LF, so two line feeds in a
// row are nothing else.
static void scan(struct stream *stream, const char *bytes, size_t length, double now) {
  const char *end = bytes + length;
  const char *previous = stream->after_lf ? bytes - 1 : NULL;
  for (const char *at = bytes; (at = memchr(at, '\n', (size_t)(end - at))); at++) {
    if (at - 1 == previous) {
      int event = stream->events++;
      if (event >= EVENTS_BEFORE && event < EVENTS_BEFORE + options.events)
        stamp_now(&stamps, stream->stamps, now);
      previous = NULL;
    } else {
      previous = at;
    }
  }
  stream->after_lf = previous == end - 1;
}

static bool answer_ended(struct stream *stream, const char *bytes, size_t length) {
  const size_t keep = sizeof stream->last;
  if (length >= keep) {
    memcpy(stream->last, bytes + length - keep, keep);
  } else {
    memmove(stream->last, stream->last + length, keep - length);
    memcpy(stream->last + keep - length, bytes, length);
  }
  return stream->events == EVENTS_BEFORE + options.events + EVENTS_AFTER &&
         memcmp(stream->last, "0\r\n\r\n", keep) == 0;
}

static void receive(struct stream *stream) {
  static char bytes[READ_BYTES];
  ssize_t got = recv(stream->fd, bytes, sizeof bytes, 0);
  double now = monotonic_ns();
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    lost++;
    close(stream->fd);
    return;
  }
  scan(stream, bytes, (size_t)got, now);
  if (answer_ended(stream, bytes, (size_t)got)) ask(stream);
}

static void open_stream(struct stream *stream) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)options.port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  stream->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (stream->fd < 0) fail("socket");
  if (connect(stream->fd, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
  fcntl(stream->fd, F_SETFL, O_NONBLOCK);
  setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = stream};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, stream->fd, &event) < 0) fail("epoll_ctl");
  ask(stream);
}

// Serves the streams until that moment, opening those that are due on the way.
static void run_until(double end_ns, struct stream *streams, int *opened, double ramp_start_ns) {
  struct epoll_event ready[READY_PER_TURN];
  double step_ns = options.ramp_s * NS_PER_S / options.streams;
  for (double now; (now = monotonic_ns()) < end_ns;) {
    for (; *opened < options.streams && now >= ramp_start_ns + step_ns * *opened; ++*opened)
      open_stream(&streams[*opened]);
    int count = epoll_wait(epoll_fd, ready, READY_PER_TURN, TURN_MS);
    for (int i = 0; i < count; i++) receive(ready[i].data.ptr);
  }
}

static void read_options(int argc, char **argv) {
  const struct option names[] = {
      {"port", required_argument, NULL, 'p'},   {"streams", required_argument, NULL, 'n'},
      {"events", required_argument, NULL, 'e'}, {"ramp", required_argument, NULL, 'r'},
      {"warmup", required_argument, NULL, 'u'}, {"window", required_argument, NULL, 'w'},
      {"stamps", required_argument, NULL, 's'}, {NULL, 0, NULL, 0},
  };
  for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
    switch (option) {
      case 'p': options.port = atoi(optarg); break;
      case 'n': options.streams = atoi(optarg); break;
      case 'e': options.events = atoi(optarg); break;
      case 'r': options.ramp_s = atof(optarg); break;
      case 'u': options.warmup_s = atof(optarg); break;
      case 'w': options.window_s = atof(optarg); break;
      case 's': options.stamps = optarg; break;
      default: exit(2);
    }
  }
}

int main(int argc, char **argv) {
  read_options(argc, argv);
  stamps.capacity = (size_t)options.events;
  struct stream *streams = calloc((size_t)options.streams, sizeof *streams);
  if (!streams) fail("calloc");
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  int opened = 0;
  double start_ns = monotonic_ns();
  run_until(start_ns + (options.ramp_s + options.warmup_s) * NS_PER_S, streams, &opened, start_ns);
  double from_us = cpu_us(), from_ns = monotonic_ns();
  run_until(from_ns + options.window_s * NS_PER_S, streams, &opened, start_ns);
  double cpu = cpu_us() - from_us, to_ns = monotonic_ns();
  if (options.stamps) stamp_write(&stamps, options.stamps);
  printf("{\"cpuUs\":%.0f,\"fromNs\":%.0f,\"toNs\":%.0f,\"failed\":%llu}\n", cpu, from_ns, to_ns,
         (unsigned long long)lost);
  return 0;
}
