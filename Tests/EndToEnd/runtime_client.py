"""The beginning of custom runtimes in C: one request to the Runtime API, with nothing but sockets."""

CLIENT = r"""
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static char buffer[1 << 16];

/* One request on a connection of its own; the answer, head and body, is in the buffer. */
static void ask(const char *method, const char *path, const char *body) {
  char api[64], request[8192];
  strcpy(api, getenv("AWS_LAMBDA_RUNTIME_API"));
  char *port = strchr(api, ':');
  *port++ = 0;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  inet_pton(AF_INET, api, &address.sin_addr);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) { perror("connect"); exit(9); }
  int length = snprintf(request, sizeof request, "%s /2018-06-01/runtime/%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
    method, path, api, strlen(body), body);
  if (write(fd, request, length) != length) exit(10);
  size_t used = 0;
  for (ssize_t n; used < sizeof buffer - 1 && (n = read(fd, buffer + used, sizeof buffer - 1 - used)) > 0;) used += n;
  buffer[used] = 0;
  close(fd);
}
"""
