// Made by scripts/bpf.ts of src/forwarder/ebpf/layout.ts: change it there.
#pragma once

#define VERSION 2
#define MAX_FORWARDS 65536
#define CHECK_STRICT 0
#define CHECK_SUBNET 1
#define CHECK_OFF 2
#define DROP_NOT_IP4 0
#define DROP_TRUNCATED 1
#define DROP_BAD_CHECKSUM 2
#define DROP_MULTICAST 3
#define DROP_OWN_SUBNET 4
#define DROP_NO_ROUTE 5
#define DROP_TTL 6
#define DROP_OUTER_SOURCE_UNKNOWN 7
#define DROP_INNER_SOURCE_FOREIGN 8
#define DROP_INNER_DESTINATION_FOREIGN 9
#define DROP_TOO_BIG 10
#define DROP_SEND_FAILED 11
#define DROP_WRITE_FAILED 12
#define DROP_REASONS 13

struct settings {
	__u32 version;
	__be32 local;
	__be32 network;
	__be32 network_mask;
	__be32 subnet;
	__be32 subnet_mask;
	__u32 mtu;
	__u32 device;
	__u32 underlay;
	__u32 hop;
	__u32 hop_end;
	__u32 strip;
	__be32 strip_vni;
	__be32 strip_mac_high;
	__be16 strip_mac_low;
	__be16 strip_port;
	__be16 port;
	__u16 check;
	__u32 direct;
};
_Static_assert(sizeof(struct settings) == 68, "layout of settings");

struct subnet {
	__u32 length;
	__be32 address;
};
_Static_assert(sizeof(struct subnet) == 8, "layout of subnet");

struct forward {
	__be32 hop;
	__be16 port;
	__u16 in_kernel;
	__u32 peer;
};
_Static_assert(sizeof(struct forward) == 12, "layout of forward");

struct traffic {
	__u64 sent_packets;
	__u64 sent_bytes;
	__u64 received_packets;
	__u64 received_bytes;
	__u64 refused;
	__be32 refused_from;
	__u32 unused;
};
_Static_assert(sizeof(struct traffic) == 48, "layout of traffic");
