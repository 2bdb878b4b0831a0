import type { Socket } from 'node:net';
import type { ChannelCredentials } from '@grpc/grpc-js';

/**
 * TLS handshakes under way. gRPC never ends one to which no answer comes (an etcd that has no leader yet takes connections and says nothing):
 * its socket would stay open after the client was closed, and no command could end before it.
 */
export interface Handshakes {
  readonly credentials: ChannelCredentials;
  /** Ends those without an answer; connections that stand are left alone. */
  end(): void;
}

/** The same credentials, with their handshakes known. */
export function knownHandshakes(credentials: ChannelCredentials): Handshakes {
  const open = new Set<Socket>();
  const connector = credentials._createSecureConnector.bind(credentials);
  credentials._createSecureConnector = (...target) => {
    const made = connector(...target);
    const connect = made.connect.bind(made);
    made.connect = (socket) => {
      open.add(socket);
      return connect(socket).finally(() => open.delete(socket));
    };
    return made;
  };
  return {
    credentials,
    end() {
      for (const socket of open) socket.destroy();
    },
  };
}
