#include "CLinux.h"

#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <unistd.h>

_Static_assert(sizeof(struct clinux_message) == sizeof(struct mmsghdr), "struct mmsghdr");
_Static_assert(offsetof(struct clinux_message, length) == offsetof(struct mmsghdr, msg_len), "struct mmsghdr");
_Static_assert(sizeof(struct clinux_in6_pktinfo) == sizeof(struct in6_pktinfo), "struct in6_pktinfo");

int clinux_receive_messages(int descriptor, struct clinux_message *messages, unsigned int count, int flags) {
    return recvmmsg(descriptor, (struct mmsghdr *)messages, count, flags, NULL);
}

int clinux_send_messages(int descriptor, struct clinux_message *messages, unsigned int count, int flags) {
    return sendmmsg(descriptor, (struct mmsghdr *)messages, count, flags);
}

int clinux_set_thread_name(const char *name) {
    return pthread_setname_np(pthread_self(), name);
}

int clinux_enter_network_namespace(int descriptor) {
    return setns(descriptor, CLONE_NEWNET);
}

int clinux_close_on_exec(unsigned int first) {
    return close_range(first, ~0U, CLOSE_RANGE_CLOEXEC);
}
