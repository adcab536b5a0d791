import { ApiServerError } from '../../api-server-error.ts';
import { EtcdError } from './grpc-connection.ts';

/** A failed call to etcd in the words of the storage interface; anything else as it is. */
export function storageError(error: unknown): unknown {
  if (!(error instanceof EtcdError)) return error;
  switch (error.code) {
    case 'Unreachable':
      return new ApiServerError('StoreUnreachable', error.message, error);
    case 'Unavailable':
    case 'Deadline':
      return new ApiServerError('OutcomeUnknown', error.message, error);
    case 'Full':
      return new ApiServerError('StorageFull', error.message, error);
    case 'Compacted':
    case 'StaleToken':
      return new ApiServerError('StoreUnreachable', error.message, error);
    case 'Refused':
      return new ApiServerError(
        error.message.includes('too large') ? 'TooLarge' : 'StoreUnreachable',
        error.message,
        error,
      );
  }
}
