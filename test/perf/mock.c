// A streaming OpenAI-compatible server that does nothing but keep time: every answer is a chunked
// stream of server-sent events at a fixed rate, each with its own phase, each stamped with
// CLOCK_MONOTONIC as it is handed to the kernel. Linux only.
//
//   mock --rate 50 --events 100 [--tokens 100] [--port 0] [--instant] [--stamps FILE]
//
// Prints the port when it listens. On SIGTERM it writes the stamps, prints what it did and exits.
#define _GNU_SOURCE
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HEAD_BYTES 8192
#define EVENT_BYTES 512
#define ANSWER_BYTES 4096
#define AT_ONCE_BYTES 65536
#define ID_CHARACTERS 16
#define SENDS_PER_TURN 256
#define READY_PER_TURN 512
#define LATE_NS 1e6

static struct {
  int port;
  double rate_per_s;
  int events;
  int tokens;
  bool instant;
  const char *stamps;
} options = {.rate_per_s = 50};

struct connection {
  int fd;
  bool due;            // In the timetable; memory must live until it is taken out.
  size_t head_length;  // Bytes of request head so far.
  size_t body_left;    // Bytes of request body still to be skipped.
  int sent;            // Content events sent of the current answer.
  double due_ns;
  double *stamps;
  char id[ID_CHARACTERS + 1];
  char head[HEAD_BYTES];
};

static struct stamp_log stamps;
static struct {
  uint64_t answers, events, late, stalls;
} done;
static volatile sig_atomic_t stopping;
static int epoll_fd;

// --- What is sent ------------------------------------------------------------------------------

static const char *const words[] = {
    " the",   " of",          " measurement", " a",    " server",  " na\xc3\xafve", "\\n\\n", " \\\"quoted\\\"",
    " in",    " throughput",  " is",          " token", ".",       " and",           ",",      " tomorrow",
};
#define WORDS (sizeof words / sizeof *words)

// A chunk of the body, made once: `id_at` is where the answer's own id goes.
struct chunk {
  size_t length;
  size_t id_at;
  char bytes[EVENT_BYTES];
};

static struct chunk role, content[WORDS], finish, usage;

static const char response_head[] =
    "HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 2026 00:00:00 GMT\r\nserver: mock\r\n"
    "content-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n";

#define EVENT_START                                                                              \
  "data: {\"id\":\"chatcmpl-0123456789abcdef\",\"object\":\"chat.completion.chunk\","            \
  "\"created\":1767225600,\"model\":\"meta-llama/Llama-3.1-8B-Instruct\",\"choices\":["
#define ID_IN_EVENT (sizeof "data: {\"id\":\"chatcmpl-" - 1)

static void make_chunk(struct chunk *chunk, const char *event) {
  int size = snprintf(chunk->bytes, EVENT_BYTES, "%zx\r\n", strlen(event));
  int rest = snprintf(chunk->bytes + size, EVENT_BYTES - (size_t)size, "%s\r\n", event);
  chunk->id_at = (size_t)size + ID_IN_EVENT;
  chunk->length = (size_t)(size + rest);
}

static void make_chunks(void) {
  char event[EVENT_BYTES];
  make_chunk(&role, EVENT_START "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
                                "\"logprobs\":null,\"finish_reason\":null}]}\n\n");
  for (size_t i = 0; i < WORDS; i++) {
    snprintf(event, sizeof event,
             EVENT_START "{\"index\":0,\"delta\":{\"content\":\"%s\"},\"logprobs\":null,"
                         "\"finish_reason\":null}]}\n\n",
             words[i]);
    make_chunk(&content[i], event);
  }
}

static void make_end(void) {
  char event[EVENT_BYTES];
  make_chunk(&finish, EVENT_START
             "{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"length\"}]}\n\n");
  snprintf(event, sizeof event,
           EVENT_START "],\"usage\":{\"prompt_tokens\":32,\"completion_tokens\":%d,"
                       "\"total_tokens\":%d}}\n\n",
           options.tokens, options.tokens + 32);
  make_chunk(&usage, event);
}

static size_t put(char *to, const struct chunk *chunk, const char *id) {
  memcpy(to, chunk->bytes, chunk->length);
  memcpy(to + chunk->id_at, id, ID_CHARACTERS);
  return chunk->length;
}

// The finish chunk, the usage chunk, [DONE] and the end of the body go out together.
static size_t put_end(char *to, const char *id) {
  static const char last[] = "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";
  size_t length = put(to, &finish, id);
  length += put(to + length, &usage, id);
  memcpy(to + length, last, sizeof last - 1);
  return length + sizeof last - 1;
}

static size_t put_start(char *to, const char *id) {
  memcpy(to, response_head, sizeof response_head - 1);
  return sizeof response_head - 1 + put(to + sizeof response_head - 1, &role, id);
}

// --- The timetable: a heap of streams by the moment their next event is due -----------------------

static struct connection **heap;
static size_t heap_size, heap_room;

static void sink(size_t at, struct connection *stream) {
  for (size_t child; (child = 2 * at + 1) < heap_size; at = child) {
    if (child + 1 < heap_size && heap[child + 1]->due_ns < heap[child]->due_ns) child++;
    if (heap[child]->due_ns >= stream->due_ns) break;
    heap[at] = heap[child];
  }
  heap[at] = stream;
}

static void schedule(struct connection *stream) {
  if (heap_size == heap_room) {
    heap_room = heap_room ? 2 * heap_room : 1024;
    heap = realloc(heap, heap_room * sizeof *heap);
    if (!heap) fail("realloc");
  }
  size_t at = heap_size++;
  for (; at > 0 && heap[(at - 1) / 2]->due_ns > stream->due_ns; at = (at - 1) / 2)
    heap[at] = heap[(at - 1) / 2];
  heap[at] = stream;
  stream->due = true;
}

static void unschedule_first(void) {
  heap[0]->due = false;
  struct connection *last = heap[--heap_size];
  if (heap_size > 0) sink(0, last);
}

// --- Connections ------------------------------------------------------------------------------

static void hang_up(struct connection *connection) {
  if (connection->fd >= 0) close(connection->fd);
  connection->fd = -1;
  if (!connection->due) free(connection);
}

// A client that does not read stalls everyone, which is counted rather than hidden.
static bool send_all(struct connection *connection, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t sent = send(connection->fd, bytes, length, MSG_NOSIGNAL);
    if (sent > 0) {
      bytes += sent;
      length -= (size_t)sent;
    } else if (sent < 0 && errno == EAGAIN) {
      done.stalls++;
      poll(&(struct pollfd){.fd = connection->fd, .events = POLLOUT}, 1, 1000);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

static uint32_t random_bits(void) {
  static uint32_t state = 2463534242u;
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

// All events of an answer, as fast as they go and many in a write.
static bool answer_at_once(struct connection *connection) {
  static char bytes[AT_ONCE_BYTES];
  size_t length = put_start(bytes, connection->id);
  for (int i = 0; i < options.events; i++) {
    if (length > AT_ONCE_BYTES - ANSWER_BYTES) {
      if (!send_all(connection, bytes, length)) return false;
      length = 0;
    }
    length += put(bytes + length, &content[i % WORDS], connection->id);
  }
  length += put_end(bytes + length, connection->id);
  done.answers++;
  done.events += (uint64_t)options.events;
  return send_all(connection, bytes, length);
}

static bool begin_answer(struct connection *connection, double request_id) {
  snprintf(connection->id, sizeof connection->id, "%016llx", (unsigned long long)request_id);
  if (options.instant) return answer_at_once(connection);
  char bytes[ANSWER_BYTES];
  size_t length = put_start(bytes, connection->id);
  connection->sent = 0;
  connection->stamps = stamp_answer(&stamps, request_id);
  double period_ns = NS_PER_S / options.rate_per_s;
  connection->due_ns = monotonic_ns() + period_ns * (random_bits() / 4294967296.0);
  schedule(connection);
  return send_all(connection, bytes, length);
}

static bool send_end(struct connection *connection) {
  char bytes[ANSWER_BYTES];
  return send_all(connection, bytes, put_end(bytes, connection->id));
}

// Sends the event that is due and says when; the stream goes back into the timetable or ends.
static double send_due(struct connection *stream) {
  char bytes[EVENT_BYTES];
  size_t length = put(bytes, &content[random_bits() % WORDS], stream->id);
  double now = monotonic_ns();
  stamp_now(&stamps, stream->stamps, now);
  done.events++;
  if (now - stream->due_ns > LATE_NS) done.late++;
  bool sent = send_all(stream, bytes, length);
  bool last = ++stream->sent >= options.events;
  if (sent && last) sent = send_end(stream);
  if (sent && !last) {
    stream->due_ns += NS_PER_S / options.rate_per_s;
    sink(0, stream);
    return now;
  }
  unschedule_first();
  if (sent)
    done.answers++;
  else
    hang_up(stream);
  return now;
}

// The digits that end `x-request-id`; without one, the order of the answers.
static double request_id(const char *head) {
  const char *field = strcasestr(head, "\r\nx-request-id:");
  if (!field) return (double)stamps.answers;
  const char *end = strstr(field + 2, "\r\n");
  const char *digits = end;
  while (digits > field && digits[-1] >= '0' && digits[-1] <= '9') digits--;
  return digits == end ? (double)stamps.answers : strtod(digits, NULL);
}

static size_t body_length(const char *head) {
  const char *field = strcasestr(head, "\r\ncontent-length:");
  return field ? strtoul(field + strlen("\r\ncontent-length:"), NULL, 10) : 0;
}

// Takes request bytes; at the end of a request it answers. A client sends the next request only
// after it has the whole answer.
static bool take(struct connection *connection, size_t got) {
  if (connection->body_left > 0) {
    connection->body_left -= got < connection->body_left ? got : connection->body_left;
  } else {
    connection->head_length += got;
    connection->head[connection->head_length] = '\0';
    const char *end = strstr(connection->head, "\r\n\r\n");
    if (!end) return connection->head_length < HEAD_BYTES - 1;
    size_t body = body_length(connection->head);
    size_t have = connection->head_length - (size_t)(end + 4 - connection->head);
    connection->body_left = body > have ? body - have : 0;
  }
  if (connection->body_left > 0) return true;
  connection->head_length = 0;
  return begin_answer(connection, request_id(connection->head));
}

static void receive(struct connection *connection) {
  bool in_body = connection->body_left > 0;
  char skipped[HEAD_BYTES];
  char *to = in_body ? skipped : connection->head + connection->head_length;
  size_t room = in_body ? sizeof skipped : HEAD_BYTES - 1 - connection->head_length;
  ssize_t got = recv(connection->fd, to, room, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0 || !take(connection, (size_t)got)) hang_up(connection);
}

static void accept_all(int listener) {
  for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection) fail("calloc");
    connection->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll_ctl");
  }
}

// --- The loop ---------------------------------------------------------------------------------

static int listen_on(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
  if (bind(fd, (struct sockaddr *)&address, size) < 0) fail("bind");
  if (listen(fd, 4096) < 0) fail("listen");
  getsockname(fd, (struct sockaddr *)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return fd;
}

static int wait_ready(struct epoll_event *ready, double left_ns) {
  if (left_ns < 0) left_ns = 0;
#ifdef SYS_epoll_pwait2
  struct timespec left = {.tv_sec = (time_t)(left_ns / NS_PER_S)};
  left.tv_nsec = (long)(left_ns - (double)left.tv_sec * NS_PER_S);
  long count = syscall(SYS_epoll_pwait2, epoll_fd, ready, READY_PER_TURN, &left, NULL, 0);
  if (count >= 0 || errno != ENOSYS) return (int)count;
#endif
  // Rounded down: an older kernel spins for the last millisecond rather than send late.
  return epoll_wait(epoll_fd, ready, READY_PER_TURN, (int)(left_ns / 1e6));
}

static void send_all_due(void) {
  double now = monotonic_ns();
  // Bounded, so that new requests are heard while many events are due.
  for (int i = 0; i < SENDS_PER_TURN && heap_size > 0 && heap[0]->due_ns <= now; i++) {
    struct connection *stream = heap[0];
    if (stream->fd >= 0) {
      now = send_due(stream);
    } else {
      unschedule_first();
      free(stream);
    }
  }
}

static void serve(int listener) {
  struct epoll_event ready[READY_PER_TURN];
  while (!stopping) {
    send_all_due();
    double left_ns = heap_size > 0 ? heap[0]->due_ns - monotonic_ns() : NS_PER_S;
    int count = wait_ready(ready, left_ns);
    for (int i = 0; i < count; i++) {
      if (ready[i].data.ptr)
        receive(ready[i].data.ptr);
      else
        accept_all(listener);
    }
  }
}

static void read_options(int argc, char **argv) {
  const struct option names[] = {
      {"port", required_argument, NULL, 'p'},   {"rate", required_argument, NULL, 'r'},
      {"events", required_argument, NULL, 'e'}, {"tokens", required_argument, NULL, 't'},
      {"instant", no_argument, NULL, 'i'},      {"stamps", required_argument, NULL, 's'},
      {NULL, 0, NULL, 0},
  };
  for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
    switch (option) {
      case 'p': options.port = atoi(optarg); break;
      case 'r': options.rate_per_s = atof(optarg); break;
      case 'e': options.events = atoi(optarg); break;
      case 't': options.tokens = atoi(optarg); break;
      case 'i': options.instant = true; break;
      case 's': options.stamps = optarg; break;
      default: exit(2);
    }
  }
  if (options.events == 0) options.events = options.instant ? 1 : 100;
  if (options.tokens == 0) options.tokens = options.events;
}

static void on_signal(int signal) {
  (void)signal;
  stopping = 1;
}

int main(int argc, char **argv) {
  read_options(argc, argv);
  stamps.capacity = (size_t)options.events;
  make_chunks();
  make_end();
  signal(SIGTERM, on_signal);
  // The default slack of 50 us would be added to every pause.
  prctl(PR_SET_TIMERSLACK, 1UL);
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  int listener = listen_on(options.port);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event) < 0) fail("epoll_ctl");
  serve(listener);
  if (options.stamps) stamp_write(&stamps, options.stamps);
  printf("{\"answers\":%llu,\"events\":%llu,\"lateEvents\":%llu,\"stalls\":%llu,\"cpuUs\":%.0f}\n",
         (unsigned long long)done.answers, (unsigned long long)done.events,
         (unsigned long long)done.late, (unsigned long long)done.stalls, cpu_us());
  return 0;
}
