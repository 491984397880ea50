# frozen_string_literal: true

# Receives hookd's webhooks and checks their signatures. Ruby 3.0 or newer, standard library only.
#
#   WEBHOOK_SECRET=whsec_… ruby receiver.rb 8080
#
# WEBHOOK_SECRET is the subscriber's hmac_secret. The standard library has no HTTP server any more, so a small loop
# reads the requests; within Rack, take the body from request.body and the headers from HTTP_WEBHOOK_ID and so on.
require 'json'
require 'openssl'
require 'set'
require 'socket'

PORT = Integer(ARGV[0] || ENV.fetch('PORT', '8080'), 10)
SECRET = ENV.fetch('WEBHOOK_SECRET', '')
TOLERANCE_SECONDS = 300
MAX_BODY_BYTES = 16 * 1024 * 1024
STATUSES = { 200 => 'OK', 401 => 'Unauthorized', 405 => 'Method Not Allowed', 413 => 'Content Too Large' }.freeze

abort "set WEBHOOK_SECRET to the subscriber's hmac_secret" if SECRET.empty?

# The key is the base64 behind "whsec_", or else the secret's own bytes.
KEY = SECRET.start_with?('whsec_') ? SECRET.delete_prefix('whsec_').unpack1('m0') : SECRET.b

# Ids of webhooks that were handled: hookd sends one again rather than lose it. Real receivers keep them in their
# database, in the transaction that does the work. webhook-id is covered by the signature, Hook-Delivery is not.
HANDLED = Set.new
HANDLING = Mutex.new

def genuine?(headers, body)
  id = headers.fetch('webhook-id', '')
  timestamp = headers.fetch('webhook-timestamp', '')
  signatures = headers.fetch('webhook-signature', '').split(' ')
  return false unless timestamp.match?(/\A\d{1,12}\z/)
  return false if (Time.now.to_i - timestamp.to_i).abs > TOLERANCE_SECONDS

  digest = OpenSSL::HMAC.digest('SHA256', KEY, "#{id}.#{timestamp}.".b + body)
  expected = "v1,#{[digest].pack('m0')}"
  # There are two while a secret is being rotated: one of each.
  signatures.any? { |signature| same?(signature, expected) }
end

# In constant time.
def same?(one, other)
  one.bytesize == other.bytesize && OpenSSL.fixed_length_secure_compare(one, other)
end

def handle(webhook)
  (webhook.is_a?(Array) ? webhook : [webhook]).each do |message|
    puts "#{message['event']} #{JSON.generate(message['data'])}"
  end
end

# The status for one request.
def receive(method, headers, body)
  return 405 unless method == 'POST'
  # The signature covers the bytes as they came: check them before anything parses them.
  return 401 unless genuine?(headers, body)

  HANDLING.synchronize do
    handle(JSON.parse(body.dup.force_encoding('UTF-8'))) unless HANDLED.include?(headers['webhook-id'])
    HANDLED.add(headers['webhook-id'])
  end
  200
end

def read_headers(socket)
  headers = {}
  while (line = socket.gets("\r\n", 8192)) && line != "\r\n"
    name, value = line.split(':', 2)
    headers[name.downcase] = value.to_s.strip
  end
  headers
end

def serve(socket)
  method = socket.gets("\r\n", 8192).to_s.split(' ').first
  headers = read_headers(socket)
  size = Integer(headers.fetch('content-length', '0'), 10)
  status = size.between?(0, MAX_BODY_BYTES) ? receive(method, headers, socket.read(size).to_s.b) : 413
  socket.write("HTTP/1.1 #{status} #{STATUSES[status]}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
rescue SystemCallError, ArgumentError
  nil # the sender has hung up, or does not speak HTTP
ensure
  socket.close
end

$stdout.sync = true
server = TCPServer.new('127.0.0.1', PORT)
puts "listening on http://127.0.0.1:#{server.addr[1]}/"
loop { Thread.new(server.accept) { |socket| serve(socket) } }
