const MAX_MESSAGE = 64 * 1024 * 1024;

/** How gRPC treats its connections to etcd. */
export const CHANNEL_OPTIONS = {
  'grpc.max_receive_message_length': MAX_MESSAGE,
  'grpc.max_send_message_length': MAX_MESSAGE,
  // etcd closes connections that ping more often than every 5 s, and those that ping without a call under way.
  'grpc.keepalive_time_ms': 6000,
  'grpc.keepalive_timeout_ms': 3000,
  'grpc.keepalive_permit_without_calls': 0,
  // A channel that failed is thrown away, so that none of them lends its dead connection to the next one.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  // etcd is never behind an http_proxy, and has no TXT record with a service config.
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_channelz': 0,
} as const;
