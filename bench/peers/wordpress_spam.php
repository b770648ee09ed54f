<?php // Mark a post's first N comments as spam by WordPress's own function, and take it back: wordpress_spam.php ROOT POST N  prints "seconds statements"
error_reporting(E_ERROR);
require "$argv[1]/wp-load.php";
global $wpdb;
$asked = fn() => (int) $wpdb->get_row("SHOW SESSION STATUS LIKE 'Questions'")->Value;
$chosen = $wpdb->get_col($wpdb->prepare(
  "SELECT comment_ID FROM $wpdb->comments WHERE comment_post_ID = %d ORDER BY comment_ID LIMIT %d", $argv[2], $argv[3]));
$before = $asked();
$began = microtime(true);
foreach ($chosen as $id) wp_spam_comment($id);
$seconds = microtime(true) - $began;
$statements = $asked() - $before - 1;
foreach ($chosen as $id) wp_unspam_comment($id);
echo "$seconds $statements\n";
