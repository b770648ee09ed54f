<?php // install, and take a thread in: wordpress_load.php ROOT ARTICLE THREAD.jsonl…  prints "size post_id first_id-1"
error_reporting(E_ERROR);
define('WP_INSTALLING', true);
require "$argv[1]/wp-load.php";
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
add_filter('pre_wp_mail', '__return_true');
wp_install('Bench', 'admin', 'admin@example.org', true, '', wp_generate_password());
// Its own defaults, but: no mails, and a comment is published at once.
foreach (['comments_notify' => 0, 'moderation_notify' => 0, 'comment_previously_approved' => 0,
          'permalink_structure' => ''] as $name => $value) update_option($name, $value);
global $wpdb;
foreach (array_slice($argv, 3) as $file) {
  $lines = file($file);
  $post = wp_insert_post(['post_title' => 'Thread of ' . count($lines), 'post_content' => file_get_contents($argv[2]),
                          'post_status' => 'publish', 'post_author' => 1, 'comment_status' => 'open']);
  $base = (int) $wpdb->get_var("SELECT COALESCE(MAX(comment_ID), 0) FROM $wpdb->comments");
  $wpdb->query('START TRANSACTION');
  foreach (array_chunk($lines, 500, true) as $chunk) {
    $rows = [];
    foreach ($chunk as $place => $line) {
      $c = json_decode($line, true);
      $at = gmdate('Y-m-d H:i:s', $c['at']);
      $rows[] = $wpdb->prepare('(%d,%d,%s,%s,%s,%s,%s,%s,%s,%s,%d,%s,%s)', $base + $place + 1, $post, $c['name'],
        "$c[name]@example.org", '', '127.0.0.1', $at, $at, $c['body'], '1',
        $c['parent'] === null ? 0 : $base + $c['parent'] + 1, 'comment', 'bench');
    }
    $wpdb->query("INSERT INTO $wpdb->comments (comment_ID, comment_post_ID, comment_author, comment_author_email,
      comment_author_url, comment_author_IP, comment_date, comment_date_gmt, comment_content, comment_approved,
      comment_parent, comment_type, comment_agent) VALUES " . implode(',', $rows));
  }
  $wpdb->query('COMMIT');
  wp_update_comment_count_now($post);
  echo count($lines), " $post $base\n";
}
