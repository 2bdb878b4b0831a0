/** A token for each call, got by one login however many calls wait for it. */
export interface Login {
  /** The token to send; undefined: none is needed. Rejects as `authenticate` does. */
  token(): Promise<string | undefined>;
  /** The server does not know this token any more: the next call logs in again. */
  forget(token: string | undefined): void;
}

/** `authenticate` logs in once and resolves to a token, or to undefined where authentication is off. */
export function openLogin(authenticate: () => Promise<string | undefined>): Login {
  let pending: Promise<string | undefined> | undefined;
  /** The token of a login that is done; what a call brings back from before that is not worth another one. */
  let done: { readonly token: string | undefined } | undefined;

  async function renew(): Promise<string | undefined> {
    try {
      const token = await authenticate();
      done = { token };
      return token;
    } catch (error) {
      pending = undefined;
      throw error;
    }
  }
  return {
    token() {
      pending ??= renew();
      return pending;
    },
    forget(token) {
      if (done === undefined || token !== done.token) return;
      done = undefined;
      pending = undefined;
    },
  };
}
