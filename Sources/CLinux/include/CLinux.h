// What Swift can't import from the Linux headers by itself: variadic calls, computed constants, what the C library shows
// only with _GNU_SOURCE, and constants newer than the headers of some distributions. No logic.
//
// The header itself must not define _GNU_SOURCE: the C library's Swift module is built without it, and both would then
// define some types differently.
#ifndef CLINUX_H
#define CLINUX_H

#include <linux/fib_rules.h>
#include <linux/genetlink.h>
#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

// ioctl(2) is variadic: one form for an argument by address and one for an argument by value.

static inline int clinux_ioctl_address(int descriptor, unsigned long request, void *argument) {
    return ioctl(descriptor, request, argument);
}

static inline int clinux_ioctl_value(int descriptor, unsigned long request, unsigned long argument) {
    return ioctl(descriptor, request, argument);
}

// Computed by macros in <linux/if_tun.h>.

static const unsigned long CLINUX_TUNSETIFF = TUNSETIFF;
static const unsigned long CLINUX_TUNGETIFF = TUNGETIFF;
static const unsigned long CLINUX_TUNSETOFFLOAD = TUNSETOFFLOAD;
static const unsigned long CLINUX_TUNGETFEATURES = TUNGETFEATURES;
static const unsigned long CLINUX_TUNSETVNETHDRSZ = TUNSETVNETHDRSZ;

// Newer than the oldest headers to build with: TUNGETDEVNETNS (Linux 5.4), TUN_F_USO4 and TUN_F_USO6 (Linux 6.2), IFLA_GSO_IPV4_MAX_SIZE (6.3).

static const unsigned long CLINUX_TUNGETDEVNETNS = _IO('T', 227);
#define CLINUX_TUN_F_USO4 0x20
#define CLINUX_TUN_F_USO6 0x40
#define CLINUX_IFLA_GSO_IPV4_MAX_SIZE 63

// From <linux/udp.h>, which can't be included beside <netinet/udp.h>.

#define CLINUX_SOL_UDP 17
#define CLINUX_UDP_SEGMENT 103
#define CLINUX_UDP_GRO 104

// Shown by the C library only with _GNU_SOURCE; see CLinux.c.

/// struct mmsghdr.
struct clinux_message {
    struct msghdr header;
    /// Bytes received or sent.
    unsigned int length;
};

/// struct in6_pktinfo.
struct clinux_in6_pktinfo {
    struct in6_addr address;
    unsigned int interface_index;
};

/// recvmmsg(2) without a time limit.
int clinux_receive_messages(int descriptor, struct clinux_message *messages, unsigned int count, int flags);

/// sendmmsg(2).
int clinux_send_messages(int descriptor, struct clinux_message *messages, unsigned int count, int flags);

/// pthread_setname_np(3) on the calling thread; at most 15 bytes.
int clinux_set_thread_name(const char *name);

/// setns(2): moves the calling thread into a network namespace.
int clinux_enter_network_namespace(int descriptor);

/// close_range(2): marks every descriptor from `first` on to be closed on exec; Linux 5.11.
int clinux_close_on_exec(unsigned int first);

#endif
