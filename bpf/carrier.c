// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
//
// The fast path of the udp backend's carrier `ebpf`: one raw inner IPv4 packet is the payload of one UDP datagram (flannel's udp format).
//
//   encapsulate  egress of the TUN device: an inner packet becomes a datagram to the peer that leases its destination
//   decapsulate  ingress of the underlay device: a peer's datagram is checked, and its packet goes into the device
//   deliver      ingress of the far end of the GRO hop: TCP packets that were joined on the way there go into the device
//
// and, on an underlay that is a piece of software (veth), which hands over super-packets and unfinished checksums as they are:
//
//   unmark       ingress of the strip device: super-packets that have lost their marks of a tunnel there go into the device
//   reveal       egress of the underlay device: datagrams of the slow path show that this node has programs, too
//
// What these programs cannot do they leave as it is: it goes on to the TUN's queue or to the UDP socket, where the carrier `tun` runs as
// the slow path. These are fragments of the underlay, datagrams with outer IP options, packets with inner ones, an expired time to live,
// packets for nobody, and packets that are too big for their path. What must not pass is dropped and counted here, by the same reasons as
// there.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "layout.h"

#define AF_INET 2
#define MORE 0x2000
#define MORE_OR_OFFSET 0x3fff
#define DONT_FRAGMENT 0x4000
#define FIRST_MULTICAST 0xe0000000
#define OVERHEAD ((int)(sizeof(struct iphdr) + sizeof(struct udphdr)))
#define OUTER_TTL 64
// flanneld takes any source port; with the flow's hash in it, NICs and routers spread the load.
#define FIRST_SOURCE_PORT 0x8000
#define SOURCE_PORTS 0x3fff
// Routes are looked up as for this host's own packets (`iif lo`).
#define LOOPBACK_IFINDEX 1
// On to the next program, then to the stack: with tcx and with clsact.
#define PASS TC_ACT_UNSPEC

#define INLINE static __always_inline

struct map {
	__u32 type, key_size, value_size, max_entries, flags;
};

#define MAP(name, type, key, value, entries, flags)                                                                     \
	struct map name SEC("maps") = { BPF_MAP_TYPE_##type, sizeof(key), sizeof(value), entries, flags }

MAP(settings, ARRAY, __u32, struct settings, 1, 0);
MAP(forwards, LPM_TRIE, struct subnet, struct forward, MAX_FORWARDS, BPF_F_NO_PREALLOC);
// Addresses of all peers.
MAP(hops, HASH, __be32, __u32, MAX_FORWARDS, BPF_F_NO_PREALLOC);
MAP(peers, PERCPU_HASH, __u32, struct traffic, MAX_FORWARDS, BPF_F_NO_PREALLOC);
MAP(totals, PERCPU_ARRAY, __u32, struct traffic, 1, 0);
MAP(drops, PERCPU_ARRAY, __u32, __u64, DROP_REASONS, 0);

INLINE struct settings *find_settings(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&settings, &zero);
}

INLINE struct forward *find_forward(__be32 address)
{
	struct subnet key = { .length = 32, .address = address };
	return bpf_map_lookup_elem(&forwards, &key);
}

INLINE struct traffic *find_totals(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&totals, &zero);
}

INLINE int drop(__u32 reason)
{
	__u64 *count = bpf_map_lookup_elem(&drops, &reason);
	if (count)
		*count += 1;
	return TC_ACT_SHOT;
}

INLINE int is_own(const struct settings *own, __be32 address)
{
	return (address & own->subnet_mask) == own->subnet;
}

// Sum of the 16-bit words of a 20-byte header; 0xffff over one whose checksum is right.
INLINE __u16 sum_header(const struct iphdr *ip)
{
	const __u32 *words = (const __u32 *)ip;
	__u64 sum = (__u64)words[0] + words[1] + words[2] + words[3] + words[4];
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

// One off the time to live, with the checksum corrected (RFC 1624). flanneld takes one off at either end, so we do.
INLINE void decrement_ttl(struct iphdr *ip)
{
	__u32 check = (__u32)ip->check + bpf_htons(0x0100);
	ip->check = (__u16)(check + (check >= 0xffff));
	ip->ttl--;
}

// Packets and bytes as they are on the wire, of a packet that may be a super-packet.
struct size {
	__u32 packets, bytes;
};

// `segment` is the payload of each packet it will be cut into, 0 for one that is whole; `headers` are their headers.
INLINE struct size size_of(__u32 length, __u32 segment, __u32 headers)
{
	struct size size = { 1, length };
	if (segment && length > headers) {
		size.packets = (length - headers + segment - 1) / segment;
		size.bytes = length + (size.packets - 1) * headers;
	}
	return size;
}

// Length of the headers of a packet without options whose IP header is `at` bytes into the skb; 0: neither TCP nor UDP.
INLINE __u32 headers_of(struct __sk_buff *skb, __u8 protocol, __u32 at)
{
	__u8 offset;
	if (protocol == IPPROTO_UDP)
		return sizeof(struct iphdr) + sizeof(struct udphdr);
	if (protocol != IPPROTO_TCP || bpf_skb_load_bytes(skb, at + sizeof(struct iphdr) + 12, &offset, 1))
		return 0;
	return sizeof(struct iphdr) + (offset >> 4) * 4;
}

INLINE void count_sent(struct forward *forward, struct size size)
{
	struct traffic *peer = bpf_map_lookup_elem(&peers, &forward->peer), *total = find_totals();
	if (!peer || !total)
		return;
	peer->sent_packets += size.packets;
	peer->sent_bytes += size.bytes;
	total->sent_packets += size.packets;
	total->sent_bytes += size.bytes;
}

INLINE void count_received(struct forward *forward, struct size size)
{
	struct traffic *peer = forward ? bpf_map_lookup_elem(&peers, &forward->peer) : 0, *total = find_totals();
	if (peer) {
		peer->received_packets += size.packets;
		peer->received_bytes += size.bytes;
	}
	if (total) {
		total->received_packets += size.packets;
		total->received_bytes += size.bytes;
	}
}

// Never the carrier's own port: that is what packets of a carrier `tun` come from.
INLINE __be16 source_port(const struct settings *own, struct __sk_buff *skb)
{
	__be16 port = bpf_htons(FIRST_SOURCE_PORT + (bpf_get_hash_recalc(skb) & SOURCE_PORTS));
	return port == own->port ? port ^ bpf_htons(1) : port;
}

// What is put before an inner packet, and the part of the inner header that changes with it.
struct outer {
	struct iphdr ip;
	struct udphdr udp;
	__u8 inner[12];
};

INLINE void write_outer(struct outer *outer, const struct settings *own, const struct forward *forward, struct __sk_buff *skb)
{
	__u32 length = skb->len + OVERHEAD;
	outer->ip.version = 4;
	outer->ip.ihl = 5;
	outer->ip.tot_len = bpf_htons(length);
	outer->ip.frag_off = bpf_htons(DONT_FRAGMENT);
	outer->ip.ttl = OUTER_TTL;
	outer->ip.protocol = IPPROTO_UDP;
	outer->ip.saddr = own->local;
	outer->ip.daddr = forward->hop;
	outer->ip.check = ~sum_header(&outer->ip);
	outer->udp.source = source_port(own, skb);
	outer->udp.dest = forward->port;
	outer->udp.len = bpf_htons(length - sizeof(struct iphdr));
}

// How a datagram of this length leaves: by the underlay device over a neighbour that is known, or one still to be found; 0: it cannot.
INLINE int find_way(struct __sk_buff *skb, const struct settings *own, __be32 to, __u16 length, struct bpf_redir_neigh *way)
{
	struct bpf_fib_lookup route = {
		.family = AF_INET,
		.l4_protocol = IPPROTO_UDP,
		.tot_len = length,
		.ifindex = LOOPBACK_IFINDEX,
		.ipv4_src = own->local,
		.ipv4_dst = to,
	};
	long found = bpf_fib_lookup(skb, &route, sizeof(route), 0);
	if ((found != BPF_FIB_LKUP_RET_SUCCESS && found != BPF_FIB_LKUP_RET_NO_NEIGH) || route.ifindex != own->underlay)
		return 0;
	way->nh_family = found == BPF_FIB_LKUP_RET_SUCCESS ? AF_INET : 0;
	way->ipv4_nh = route.ipv4_dst;
	return 1;
}

INLINE int leave(const struct settings *own, struct bpf_redir_neigh *way)
{
	if (way->nh_family)
		return bpf_redirect_neigh(own->underlay, way, sizeof(*way), 0);
	// A packet that waits for its neighbour must have a route of the underlay: with the inner one it would leave without a MAC header.
	return bpf_redirect_neigh(own->underlay, 0, 0, 0);
}

// An underlay of software brings checksums unfinished and super-packets uncut to the peer's kernel: its programs take them as they are,
// but a carrier `tun`, or flanneld, would read them like that from its socket. The slow path finishes and cuts for those.
INLINE int is_unfit(const struct settings *own, const struct forward *forward, __u8 protocol)
{
	return own->strip && !forward->in_kernel && (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP);
}

SEC("tc/encapsulate")
int encapsulate(struct __sk_buff *skb)
{
	struct settings *own = find_settings();
	struct iphdr *ip = (void *)(long)skb->data;
	if (!own || skb->protocol != bpf_htons(ETH_P_IP) || (void *)(ip + 1) > (void *)(long)skb->data_end)
		return PASS;
	if (ip->version != 4 || ip->ihl != 5 || ip->ttl <= 1 || bpf_ntohl(ip->daddr) >= FIRST_MULTICAST ||
	    is_own(own, ip->daddr) || skb->len + OVERHEAD > 0xffff || skb->len != bpf_ntohs(ip->tot_len))
		return PASS;
	struct forward *forward = find_forward(ip->daddr);
	__u32 segment = skb->gso_size, headers = segment ? headers_of(skb, ip->protocol, 0) : 0;
	if (!forward || (segment && !headers) || is_unfit(own, forward, ip->protocol))
		return PASS;
	struct size size = size_of(skb->len, segment, headers);
	struct bpf_redir_neigh way = {};
	if (!find_way(skb, own, forward->hop, OVERHEAD + (segment ? headers + segment : skb->len), &way))
		return PASS;

	struct outer outer = {};
	write_outer(&outer, own, forward, skb);
	struct iphdr inner = *ip;
	decrement_ttl(&inner);
	__builtin_memcpy(outer.inner, &inner, sizeof(outer.inner));
	__u64 flags = BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP | BPF_F_ADJ_ROOM_FIXED_GSO;
	// Refused for what is in a tunnel already; nothing is changed by then.
	if (bpf_skb_adjust_room(skb, OVERHEAD, BPF_ADJ_ROOM_MAC, flags))
		return PASS;
	// A TUN has no MAC header, and without one bpf_redirect_neigh drops.
	if (bpf_skb_change_head(skb, ETH_HLEN, 0) || bpf_skb_store_bytes(skb, ETH_HLEN, &outer, sizeof(outer), 0))
		return drop(DROP_SEND_FAILED);
	count_sent(forward, size);
	return leave(own, &way);
}

#define NOT_DIRECT (-1)

// Backend.DirectDelivery: to the container's neighbour at once, as the stack would forward it, but past its filters and its connection
// tracking. What the stack must look at is left to it: packets for this host, unknown neighbours, too big ones, an ending time to live.
INLINE int deliver_directly(struct __sk_buff *skb, const struct settings *own)
{
	struct iphdr ip;
	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) || ip.ttl <= 1)
		return NOT_DIRECT;
	__u32 segment = skb->gso_size;
	struct bpf_fib_lookup route = {
		.family = AF_INET,
		.l4_protocol = ip.protocol,
		.tot_len = segment ? segment + headers_of(skb, ip.protocol, ETH_HLEN) : bpf_ntohs(ip.tot_len),
		.tos = ip.tos,
		.ifindex = own->device,
		.ipv4_src = ip.saddr,
		.ipv4_dst = ip.daddr,
	};
	if (bpf_fib_lookup(skb, &route, sizeof(route), 0) != BPF_FIB_LKUP_RET_SUCCESS || route.ifindex == own->device ||
	    route.ifindex == own->underlay)
		return NOT_DIRECT;
	decrement_ttl(&ip);
	if (bpf_skb_store_bytes(skb, ETH_HLEN, &ip, offsetof(struct iphdr, saddr), 0))
		return drop(DROP_WRITE_FAILED);
	struct bpf_redir_neigh way = { .nh_family = AF_INET, .ipv4_nh = route.ipv4_dst };
	return bpf_redirect_neigh(route.ifindex, &way, sizeof(way), 0);
}

// Into the device, from where the stack forwards it, or straight to the container.
INLINE int enter(struct __sk_buff *skb, const struct settings *own)
{
	int direct = own->direct ? deliver_directly(skb, own) : NOT_DIRECT;
	return direct == NOT_DIRECT ? bpf_redirect(own->device, BPF_F_INGRESS) : direct;
}

// The datagram's headers and the inner one, behind the Ethernet header.
struct datagram {
	struct iphdr ip;
	struct udphdr udp;
	struct iphdr inner;
};

INLINE struct datagram *find_datagram(struct __sk_buff *skb)
{
	const int bytes = ETH_HLEN + sizeof(struct datagram);
	if ((void *)(long)skb->data + bytes > (void *)(long)skb->data_end && bpf_skb_pull_data(skb, bytes))
		return 0;
	struct datagram *packet = (void *)(long)skb->data + ETH_HLEN;
	return (void *)(packet + 1) > (void *)(long)skb->data_end ? 0 : packet;
}

// Notes on the peer in whose name this came that somebody else sends from its subnet: flanneld --public-ip does.
INLINE void refuse(struct forward *forward, __be32 from)
{
	struct traffic *peer = bpf_map_lookup_elem(&peers, &forward->peer);
	if (!peer)
		return;
	peer->refused += 1;
	peer->refused_from = from;
}

#define MAY_PASS (-1)

// Whether the packet of a datagram from `from` may be delivered, or the reason why not. `forward` leases its source.
INLINE int judge(const struct settings *own, const struct iphdr *ip, __be32 from, struct forward *forward)
{
	if (own->check == CHECK_OFF)
		return MAY_PASS;
	int is_for_us = is_own(own, ip->daddr), is_checked = own->check == CHECK_STRICT;
	if (forward && is_for_us && (!is_checked || forward->hop == from))
		return MAY_PASS;
	if (forward && is_for_us)
		refuse(forward, from);
	if (is_checked && !bpf_map_lookup_elem(&hops, &from))
		return DROP_OUTER_SOURCE_UNKNOWN;
	return forward && !is_for_us ? DROP_INNER_DESTINATION_FOREIGN : DROP_INNER_SOURCE_FOREIGN;
}

// Whether the datagram is for this carrier and one whose packet can be taken out here.
INLINE int is_plain(const struct settings *own, const struct datagram *packet, __u32 length)
{
	return packet->ip.daddr == own->local && packet->ip.protocol == IPPROTO_UDP && packet->udp.dest == own->port &&
	       packet->ip.version == 4 && packet->ip.ihl == 5 && !(packet->ip.frag_off & bpf_htons(MORE_OR_OFFSET)) &&
	       packet->inner.version == 4 && packet->inner.ihl == 5 && packet->inner.ttl > 1 &&
	       bpf_ntohs(packet->inner.tot_len) == length && bpf_ntohs(packet->udp.len) == length + sizeof(struct udphdr);
}

struct icmp_error {
	__u8 type, code;
	__sum16 checksum;
	__be16 unused, mtu;
};

// "Fragmentation needed", with the beginning of the datagram it is about.
struct refusal {
	struct iphdr ip;
	struct icmp_error icmp;
	struct iphdr about;
	struct udphdr about_udp;
};

#define ICMP_UNREACHABLE 3
#define ICMP_FRAGMENTATION_NEEDED 4

// The kernel notes the path's MTU if it finds the socket that the datagram came from: ours came from none, the slow path's is meant.
INLINE int translate(struct __sk_buff *skb, const struct settings *own)
{
	const int bytes = ETH_HLEN + sizeof(struct refusal);
	if ((void *)(long)skb->data + bytes > (void *)(long)skb->data_end && bpf_skb_pull_data(skb, bytes))
		return PASS;
	struct refusal *refusal = (void *)(long)skb->data + ETH_HLEN;
	if ((void *)(refusal + 1) > (void *)(long)skb->data_end || refusal->ip.ihl != 5 ||
	    refusal->icmp.type != ICMP_UNREACHABLE || refusal->icmp.code != ICMP_FRAGMENTATION_NEEDED)
		return PASS;
	if (refusal->about.ihl != 5 || refusal->about.protocol != IPPROTO_UDP || refusal->about.saddr != own->local ||
	    refusal->about_udp.dest != own->port)
		return PASS;
	__be16 from = refusal->about_udp.source, to = own->port;
	bpf_l4_csum_replace(skb, ETH_HLEN + offsetof(struct refusal, icmp.checksum), from, to, sizeof(to));
	bpf_skb_store_bytes(skb, ETH_HLEN + offsetof(struct refusal, about_udp.source), &to, sizeof(to), 0);
	return PASS;
}

// What stands between the outer IP header and the inner packet on the way through the strip device.
struct wrap {
	struct udphdr udp;
	__be32 flags, vni;
	__be16 destination[3];
	__be32 source_high;
	__be16 source_low, protocol;
} __attribute__((packed, aligned(2)));

#define WRAP ((int)(sizeof(struct wrap) - sizeof(struct udphdr)))
#define VXLAN_HAS_VNI 0x08000000

// A VXLAN device of our own takes the packet out, since its code alone takes off the marks of a tunnel: with them, the first device that
// cannot do tunnels (a bridge) would have the packet cut. The packet goes to the device's socket past the port it listens on.
INLINE int strip(struct __sk_buff *skb, const struct settings *own, struct datagram *packet)
{
	struct wrap wrap = {
		.udp = { .source = packet->udp.source, .dest = packet->udp.dest },
		.flags = bpf_htonl(VXLAN_HAS_VNI),
		.vni = own->strip_vni,
		.source_high = own->strip_mac_high,
		.source_low = own->strip_mac_low,
		.protocol = bpf_htons(ETH_P_IP),
	};
	struct bpf_sock_tuple tuple = { .ipv4 = { .daddr = own->local, .dport = own->strip_port } };
	wrap.udp.len = bpf_htons(bpf_ntohs(packet->udp.len) + WRAP);
	packet->ip.tot_len = bpf_htons(bpf_ntohs(packet->ip.tot_len) + WRAP);
	packet->ip.check = 0;
	packet->ip.check = ~sum_header(&packet->ip);
	if (bpf_skb_adjust_room(skb, WRAP, BPF_ADJ_ROOM_NET, BPF_F_ADJ_ROOM_FIXED_GSO) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN + sizeof(struct iphdr), &wrap, sizeof(wrap), BPF_F_RECOMPUTE_CSUM))
		return drop(DROP_WRITE_FAILED);
	struct bpf_sock *socket = bpf_sk_lookup_udp(skb, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (!socket)
		return drop(DROP_WRITE_FAILED);
	long assigned = bpf_sk_assign(skb, socket, 0);
	bpf_sk_release(socket);
	return assigned ? drop(DROP_WRITE_FAILED) : TC_ACT_OK;
}

// Learns from a peer's packet whether its kernel takes ours as they are: those of carrier `tun` come from its own port, others never.
INLINE void learn(const struct settings *own, struct forward *forward, __be16 source)
{
	__u16 in_kernel = source != own->port;
	if (forward && forward->in_kernel != in_kernel)
		forward->in_kernel = in_kernel;
}

SEC("tc/decapsulate")
int decapsulate(struct __sk_buff *skb)
{
	struct settings *own = find_settings();
	if (!own || skb->protocol != bpf_htons(ETH_P_IP) || skb->len < ETH_HLEN + sizeof(struct datagram))
		return PASS;
	struct datagram *packet = find_datagram(skb);
	__u32 length = skb->len - ETH_HLEN - OVERHEAD;
	if (packet && packet->ip.protocol == IPPROTO_ICMP && packet->ip.daddr == own->local)
		return translate(skb, own);
	if (!packet || !is_plain(own, packet, length))
		return PASS;
	struct iphdr *inner = &packet->inner;
	__u8 protocol = inner->protocol;
	__u32 segment = skb->gso_size, headers = segment ? headers_of(skb, protocol, ETH_HLEN + OVERHEAD) : 0;
	// A super-packet stays marked as one in a tunnel. With TCP that costs time only; UDP would be cut in the wrong places.
	if (sum_header(inner) != 0xffff || (segment && protocol != IPPROTO_TCP))
		return PASS;
	struct forward *forward = is_own(own, inner->saddr) ? 0 : find_forward(inner->saddr);
	int reason = judge(own, inner, packet->ip.saddr, forward);
	if (reason != MAY_PASS)
		return drop(reason);

	learn(own, forward, packet->udp.source);
	count_received(forward, size_of(length, segment, headers));
	decrement_ttl(inner);
	if (segment && own->strip && length + OVERHEAD + WRAP <= 0xffff)
		return strip(skb, own, packet);
	if (bpf_skb_adjust_room(skb, -OVERHEAD, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO))
		return drop(DROP_WRITE_FAILED);
	if (own->hop && protocol == IPPROTO_TCP && !segment)
		return bpf_redirect(own->hop, 0);
	return enter(skb, own);
}

SEC("tc/deliver")
int deliver(struct __sk_buff *skb)
{
	struct settings *own = find_settings();
	if (!own || skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_SHOT;
	// The MAC address is the underlay's, not the hop's: to the stack that would be another host's packet.
	bpf_skb_change_type(skb, PACKET_HOST);
	return enter(skb, own);
}

SEC("tc/unmark")
int unmark(struct __sk_buff *skb)
{
	struct settings *own = find_settings();
	struct ethhdr *eth = (void *)(long)skb->data;
	if (!own || (void *)(eth + 1) > (void *)(long)skb->data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return TC_ACT_SHOT;
	// Anybody can send to the device's port; the address that `strip` has put there never leaves this host.
	__be32 high;
	__be16 low;
	__builtin_memcpy(&high, eth->h_source, sizeof(high));
	__builtin_memcpy(&low, eth->h_source + sizeof(high), sizeof(low));
	if (high != own->strip_mac_high || low != own->strip_mac_low)
		return drop(DROP_OUTER_SOURCE_UNKNOWN);
	bpf_skb_change_type(skb, PACKET_HOST);
	return enter(skb, own);
}

struct plain_datagram {
	struct iphdr ip;
	struct udphdr udp;
};

SEC("tc/reveal")
int reveal(struct __sk_buff *skb)
{
	struct settings *own = find_settings();
	struct plain_datagram *packet = (void *)(long)skb->data + ETH_HLEN;
	if (!own || skb->protocol != bpf_htons(ETH_P_IP) || (void *)(packet + 1) > (void *)(long)skb->data_end)
		return PASS;
	if (packet->ip.saddr != own->local || packet->ip.ihl != 5 || packet->ip.protocol != IPPROTO_UDP ||
	    (packet->ip.frag_off & bpf_htons(MORE_OR_OFFSET & ~MORE)) || packet->udp.source != own->port ||
	    packet->udp.dest != own->port)
		return PASS;
	__be16 from = packet->udp.source, to = source_port(own, skb);
	if (packet->udp.check)
		bpf_l4_csum_replace(skb, ETH_HLEN + offsetof(struct plain_datagram, udp.check), from, to,
				    BPF_F_MARK_MANGLED_0 | sizeof(to));
	bpf_skb_store_bytes(skb, ETH_HLEN + offsetof(struct plain_datagram, udp.source), &to, sizeof(to), 0);
	return PASS;
}

char _license[] SEC("license") = "GPL";
// What made the object: only the same release makes the same instructions again.
char _compiler[] SEC("compiler") = __VERSION__;
