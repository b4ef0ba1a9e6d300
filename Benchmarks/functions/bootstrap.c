// The smallest custom runtime: takes an event from the Runtime API and gives it back.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char buffer[1 << 16];

// Reads one response into the buffer and returns its body.
static char *receive(int fd, size_t *length) {
  size_t have = 0;
  char *end;
  for (;;) {
    ssize_t count = read(fd, buffer + have, sizeof buffer - 1 - have);
    if (count <= 0) exit(1);
    buffer[have += count] = 0;
    if (!(end = strstr(buffer, "\r\n\r\n"))) continue;
    char *field = strcasestr(buffer, "\r\ncontent-length:");
    *length = field && field < end ? strtoul(field + 17, NULL, 10) : 0;
    if (have >= (size_t)(end + 4 - buffer) + *length) return end + 4;
  }
}

int main(void) {
  char host[64], *api = getenv("AWS_LAMBDA_RUNTIME_API"), *colon = api ? strchr(api, ':') : NULL;
  if (!colon || (size_t)(colon - api) >= sizeof host) return 1;
  memcpy(host, api, colon - api);
  host[colon - api] = 0;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(colon + 1)), .sin_addr.s_addr = inet_addr(host)};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address)) return 1;
  for (;;) {
    dprintf(fd, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: %s\r\n\r\n", api);
    size_t length;
    char *body = receive(fd, &length), id[64] = "";
    char *field = strcasestr(buffer, "\r\nlambda-runtime-aws-request-id:");
    if (!field || sscanf(field + 32, " %63[^\r]", id) != 1) return 1;
    char *event = strndup(body, length);
    dprintf(fd, "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: %s\r\nContent-Length: %zu\r\n\r\n%s",
            id, api, length, event);
    free(event);
    receive(fd, &length);
  }
}
