// What the flex client does, as a C programmer would write it down: the yardstick for run.sh.
//
// `init` alone; for any other command one exchange with the daemon: connect, send argv as JSON, receive, print. It checks
// no more than it must to work, so it is faster than any client that keeps the kubelet from harm.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char init_reply[] =
    "{\"status\":\"Success\",\"capabilities\":{\"attach\":false,\"fsGroup\":true,\"selinuxRelabel\":true,"
    "\"supportsMetrics\":true,\"requiresFSResize\":true}}\n";

static char request[1 << 20];
static char reply[1 << 20];

/// Appends a JSON string; arguments of this benchmark have no control characters.
static char *append_string(char *end, const char *text) {
  *end++ = '"';
  for (; *text; text++) {
    if (*text == '"' || *text == '\\') *end++ = '\\';
    *end++ = *text;
  }
  *end++ = '"';
  return end;
}

static size_t make_request(int argc, char **argv) {
  static const char head[] = "{\"version\":1,\"arguments\":[";
  char *end = request + sizeof head - 1;
  memcpy(request, head, sizeof head - 1);
  for (int index = 1; index < argc; index++) {
    if (index > 1) *end++ = ',';
    end = append_string(end, argv[index]);
  }
  memcpy(end, "]}\n", 3);
  return (size_t)(end + 3 - request);
}

static int connect_to(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof address) < 0) return -1;
  return connection;
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  if (strcmp(argv[1], "init") == 0) return write(1, init_reply, sizeof init_reply - 1) < 0;
  const char *path = getenv("ELASTIC_LOCAL_SOCKET");
  int connection = connect_to(path ? path : "/var/run/elastic-local/socket");
  if (connection < 0) return 1;
  size_t size = make_request(argc, argv);
  if (send(connection, request, size, MSG_NOSIGNAL) != (ssize_t)size) return 1;
  size_t length = 0;
  while (length < sizeof reply && (length == 0 || reply[length - 1] != '\n')) {
    ssize_t count = recv(connection, reply + length, sizeof reply - length, 0);
    if (count <= 0) break;
    length += (size_t)count;
  }
  if (length == 0) return 1;
  return write(1, reply, length) < 0 || strstr(reply, "\"status\":\"Success\"") == NULL;
}
