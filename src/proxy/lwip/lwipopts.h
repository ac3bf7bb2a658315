/* src/proxy/lwip/lwipopts.h - how is lwIP built for us? Read by lwIP's own headers */
#ifndef TUNION_PROXY_LWIP_LWIPOPTS_H
#define TUNION_PROXY_LWIP_LWIPOPTS_H

#include <stddef.h>
#include <stdint.h>

/* One thread, no operating system below; the loop calls us, see proxy/lwip_stack.c. */
#define NO_SYS                1
#define SYS_LIGHTWEIGHT_PROT  0
#define LWIP_TIMERS           0
#define LWIP_SOCKET           0
#define LWIP_NETCONN          0
#define LWIP_ERRNO_STDINCLUDE 1
#define LWIP_PROVIDE_ERRNO    0

/* The C library's memory. Its use is counted by lwIP itself (lwip_stats.mem). */
#define MEM_LIBC_MALLOC 1
#define MEMP_MEM_MALLOC 1
#define MEM_ALIGNMENT   8
#define LWIP_STATS      1
#define MEM_STATS       1
#define LINK_STATS      0
#define ETHARP_STATS    0
#define IP_STATS        0
#define IPFRAG_STATS    0
#define ICMP_STATS      0
#define IGMP_STATS      0
#define UDP_STATS       0
#define TCP_STATS       0
#define MEMP_STATS      0
#define SYS_STATS       0
#define IP6_STATS       0
#define ICMP6_STATS     0
#define IP6_FRAG_STATS  0
#define MLD6_STATS      0
#define ND6_STATS       0

/* A point-to-point link that carries IP packets. */
#define LWIP_ARP            0
#define LWIP_ETHERNET       0
#define LWIP_RAW            0
#define LWIP_DHCP           0
#define LWIP_AUTOIP         0
#define LWIP_IGMP           0
#define LWIP_DNS            0
#define LWIP_NETIF_LOOPBACK 0
#define LWIP_HAVE_LOOPIF    0
#define LWIP_SINGLE_NETIF   0
#define PBUF_LINK_HLEN      0
#define IP_FORWARD          0
#define IP_OPTIONS_ALLOWED  1
#define IP_REASSEMBLY       1
#define IP_FRAG             1
#define IP_REASS_MAX_PBUFS  512
#define IP_REASS_MAXAGE     15
#define IPV6_REASS_MAXAGE   15
#define IP_SOF_BROADCAST    0

#define LWIP_IPV4                       1
#define LWIP_IPV6                       1
#define LWIP_IPV6_SCOPES                0
#define LWIP_IPV6_NUM_ADDRESSES         1
#define LWIP_IPV6_MLD                   0
#define LWIP_IPV6_AUTOCONFIG            0
#define LWIP_IPV6_SEND_ROUTER_SOLICIT   0
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS   0
#define LWIP_IPV6_DHCP6                 0
#define LWIP_IPV6_FRAG                  1
#define LWIP_IPV6_REASS                 1
#define IPV6_FRAG_COPYHEADER            1
#define LWIP_ND6_ALLOW_RA_UPDATES       0
#define LWIP_ND6_TCP_REACHABILITY_HINTS 0
#define LWIP_ND6_QUEUEING               0

/* TCP. An application never has more than a limit of ours, see proxy/lwip_stream.c; these
 * are the limits of one connection. The tick is the granularity of retransmissions (two of
 * them) and of delayed ACKs. */
#define LWIP_TCP             1
#define TCP_TMR_INTERVAL     50
#define TCP_MSL              15000UL
#define TCP_FIN_WAIT_TIMEOUT 20000
#define TCP_SYNMAXRTX        6
#define TCP_MAXRTX           10
#define TCP_MSS              8940
#define LWIP_WND_SCALE       1
#define TCP_RCV_SCALE        8
#define TCP_WND              (12U << 20)
/* The window is often much smaller than TCP_WND; see begin_window. */
#define TCP_WND_UPDATE_THRESHOLD   8192
#define TCP_SND_BUF                (12U << 20)
#define TCP_SND_QUEUELEN           0xf000 /* of 16 bits: what is cut later comes on top */
#define TCP_SNDLOWAT               16384
#define TCP_SNDQUEUELOWAT          1024
#define LWIP_TCP_SACK_OUT          1
#define LWIP_TCP_MAX_SACK_NUM      4
#define LWIP_TCP_TIMESTAMPS        1
#define TCP_QUEUE_OOSEQ            1
#define TCP_OOSEQ_MAX_BYTES        TCP_WND
#define TCP_OOSEQ_MAX_PBUFS        16384
#define TCP_LISTEN_BACKLOG         1
#define TCP_CALCULATE_EFF_SEND_MSS 1
#define LWIP_TCP_KEEPALIVE         0
#define TCP_LOCAL_PORT_RANGE_START 0x8000
#define TCP_LOCAL_PORT_RANGE_END   0xffff
/* This is the port before the first one. It must not be the end: lwIP counts on from there to 0,
 * and fails. */
#define TCP_ENSURE_LOCAL_PORT_RANGE(port)                                                \
	((u16_t)((port) % 0x7fff + TCP_LOCAL_PORT_RANGE_START))
#define UDP_LOCAL_PORT_RANGE_START 0x8000
#define UDP_LOCAL_PORT_RANGE_END   0xffff
#define UDP_ENSURE_LOCAL_PORT_RANGE(port)                                                \
	((u16_t)(((port)&0x7fff) + UDP_LOCAL_PORT_RANGE_START))
#define LWIP_RANDOMIZE_INITIAL_LOCAL_PORTS 1

/* RFC 6528 wants numbers that nobody can guess. */
#define LWIP_HOOK_TCP_ISN(local_ip, local_port, remote_ip, remote_port) lwip_port_random()
#define LWIP_RAND()                                                     lwip_port_random()
uint32_t lwip_port_random(void);

/* Losses and the congestion window are ours: proxy/lwip_sender.c. Its data is the first
 * extension of a connection. */
#define LWIP_TCP_PCB_NUM_EXT_ARGS 1
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, hdr, optlen, opt1len, opt2, p)                   \
	lwip_port_segment(pcb, hdr, optlen, opt1len, opt2, (p)->tot_len)
struct tcp_pcb;
struct tcp_hdr;
int8_t lwip_port_segment(struct tcp_pcb *pcb, const struct tcp_hdr *hdr, uint16_t n,
                         uint16_t first_n, const uint8_t *second, uint16_t data_bytes);

/* Our own function has this name (io/udp.h). */
#define udp_new lwip_udp_new

/* Not verified for what was verified already: proxy/lwip_inbound.c. */
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1

/* Our own checksum is faster. */
#define LWIP_CHKSUM lwip_port_checksum
uint16_t lwip_port_checksum(const void *bytes, int n);

/* The system's headers have these. */
#define LWIP_DONT_PROVIDE_BYTEORDER_FUNCTIONS 1

#endif
