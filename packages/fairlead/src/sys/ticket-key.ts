/** Name (16 bytes), HMAC-SHA256 key (32) and AES-256 key (32) of session tickets (RFC 5077 4). */
export const TICKET_KEY_BYTES = 80;
