// Answers every request line on a Unix socket with Success: a daemon whose work costs nothing.
//
// flex_daemon SOCKET: prints a line when it listens, and runs until it is ended.
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  unlink(argv[1]);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 16) < 0) {
    perror(argv[1]);
    return 1;
  }
  puts("listening");
  fflush(stdout);
  static const char reply[] = "{\"status\":\"Success\"}\n";
  for (;;) {
    int connection = accept(listener, NULL, NULL);
    if (connection < 0) continue;
    char chunk[65536];
    ssize_t count;
    do count = recv(connection, chunk, sizeof chunk, 0);
    while (count > 0 && chunk[count - 1] != '\n');
    send(connection, reply, sizeof reply - 1, MSG_NOSIGNAL);
    close(connection);
  }
}
