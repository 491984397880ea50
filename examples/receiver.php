<?php

// Receives hookd's webhooks and checks their signatures. PHP 7.4 or newer, no packages.
//
//   WEBHOOK_SECRET=whsec_… php -S 127.0.0.1:8080 receiver.php
//
// WEBHOOK_SECRET is the subscriber's hmac_secret. The port is the one after -S; behind another server the script is the
// same.

declare(strict_types=1);

const TOLERANCE_SECONDS = 300;

function header_value(string $name): string
{
    return $_SERVER['HTTP_' . strtoupper(strtr($name, '-', '_'))] ?? '';
}

/** The base64 behind "whsec_", or else the secret's own bytes. */
function key_of(string $secret): string
{
    return strncmp($secret, 'whsec_', 6) === 0 ? base64_decode(substr($secret, 6)) : $secret;
}

function is_genuine(string $body, string $secret): bool
{
    $id = header_value('webhook-id');
    $timestamp = header_value('webhook-timestamp');
    if (preg_match('/^\d{1,12}$/D', $timestamp) !== 1 || abs(time() - (int) $timestamp) > TOLERANCE_SECONDS) {
        return false;
    }
    $digest = hash_hmac('sha256', "$id.$timestamp.$body", key_of($secret), true);
    $expected = 'v1,' . base64_encode($digest);
    // There are two while a secret is being rotated: one of each.
    foreach (explode(' ', header_value('webhook-signature')) as $signature) {
        if (hash_equals($expected, $signature)) {
            return true;
        }
    }
    return false;
}

/**
 * A file that says that a webhook was handled: hookd sends one again rather than lose it. Real receivers keep the ids in
 * their database, in the transaction that does the work. webhook-id is covered by the signature, Hook-Delivery is not.
 */
function mark_of(string $id): string
{
    $folder = sys_get_temp_dir() . '/hookd-handled';
    if (!is_dir($folder)) {
        mkdir($folder, 0700);
    }
    return $folder . '/' . hash('sha256', $id);
}

function handle(array $webhook): void
{
    foreach (isset($webhook[0]) ? $webhook : [$webhook] as $message) {
        error_log($message['event'] . ' ' . json_encode($message['data'], JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES));
    }
}

$secret = (string) getenv('WEBHOOK_SECRET');
if ($secret === '') {
    error_log("set WEBHOOK_SECRET to the subscriber's hmac_secret");
    http_response_code(500);
    return;
}
if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    http_response_code(405);
    return;
}
// The signature covers the bytes as they came: check them before anything parses them.
$body = (string) file_get_contents('php://input');
if (!is_genuine($body, $secret)) {
    http_response_code(401);
    return;
}
$mark = mark_of(header_value('webhook-id'));
if (!file_exists($mark)) {
    handle(json_decode($body, true, 512, JSON_BIGINT_AS_STRING));
    touch($mark);
}
http_response_code(200);
