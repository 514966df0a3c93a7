//! Who of a pool gets how much, and how much of it is lost.

use crate::analysis::destination::{ServerShare, ServerState};
use crate::model::{Existence, Inventory, Member, MemberState, Pool, Retry};

/// A member as it stands in a destination.
pub(super) type Serving = ServerShare;

/// The largest number of dead members for which the chance to meet only dead ones is computed exactly; it doubles with each.
const EXACT_DEAD: usize = 10;

/// Returns the members of `pool` in file order with their shares: by weight among the active ones; among the backups only while no active member
/// is configured to serve.
pub(super) fn servers(pool: &Pool, inventory: &Inventory) -> Vec<Serving> {
    let total = |state: MemberState| pool.members.iter().filter(|member| member.state == state).map(|member| f64::from(member.weight)).sum::<f64>();
    let (serving, weights) = match total(MemberState::Active) {
        active if active > 0.0 => (MemberState::Active, active),
        _ => (MemberState::Backup, total(MemberState::Backup)),
    };
    // Where backups do not serve together, the first one has it all.
    let only = (serving == MemberState::Backup && !pool.backups_together).then(|| pool.members.iter().position(is_able_backup)).flatten();
    let share = |at: usize, member: &Member| match only {
        Some(first) => f64::from(u8::from(first == at)),
        None if member.state == serving && weights > 0.0 => f64::from(member.weight) / weights,
        None => 0.0,
    };
    let server = |(at, member): (usize, &Member)| ServerShare {
        address: member.address.to_string(),
        share: share(at, member),
        state: match (member.state, inventory.existence(&member.address.host)) {
            (MemberState::Down, _) => ServerState::Down,
            (MemberState::Drained, _) => ServerState::Drained,
            // Every probe fails, so the proxy takes it out.
            (MemberState::Active | MemberState::Backup, _) if inventory.probe_refused(pool, member).is_some() => ServerState::Down,
            (MemberState::Active | MemberState::Backup, Existence::Known(_)) => ServerState::Ok,
            (MemberState::Active | MemberState::Backup, Existence::Missing(_)) => ServerState::Missing,
            (MemberState::Active | MemberState::Backup, Existence::Unknown) => ServerState::Unknown,
        },
    };
    pool.members.iter().enumerate().map(server).collect()
}

fn is_able_backup(member: &Member) -> bool {
    member.state == MemberState::Backup && member.weight > 0
}

/// Returns the fraction of requests, 0..=1, that ends in an error because the server is not there; `servers` are those of `pool`.
///
/// - A member whose state is unknown counts as serving.
/// - With a retry a dead member means delay: an error only where every member tried is dead.
/// - Without, a dead member that is passed over after failures (nginx `max_fails`) costs a few requests each window, which count as none; one that is
///   never passed over costs its share, again and again.
/// - A member that an active probe looks at is passed over while it is dead; one that no probe looks at counts as up for ever (HAProxy without `check`).
/// - A backup helps only when the active members are known to fail: by a retry, or because all of them are passed over.
/// - nginx never passes over the only member of a pool (`ngx_http_upstream_get_round_robin_peer`: `peers->single`).
pub(super) fn broken_share(pool: &Pool, servers: &[Serving], retry: &Retry) -> f64 {
    let members: Vec<Candidate> =
        pool.members.iter().zip(servers).map(|(member, server)| Candidate::new(member, server, pool.members.len() == 1)).collect();
    let active: Vec<&Candidate> = members.iter().filter(|one| one.share > 0.0).collect();
    if active.is_empty() {
        return if pool.complete { 1.0 } else { 0.0 };
    }
    // Of backups that do not serve together it is the first that is not known to be dead, and that one may be.
    let mut backups = members.iter().filter(|one| one.backup && one.share <= 0.0 && !(one.dead && one.passed_over));
    let backup_lives = if pool.backups_together { backups.any(|one| !one.dead) } else { backups.next().is_some_and(|one| !one.dead) };
    let lives = active.iter().any(|one| !one.dead);
    if retry.on_connect_failure {
        return match (lives, backup_lives, retry.attempts) {
            (false, false, _) => 1.0,
            (_, _, None | Some(0)) => 0.0,
            (_, _, Some(attempts)) => only_dead(&active, usize::try_from(attempts).unwrap_or(usize::MAX), backup_lives),
        };
    }
    let stays = |one: &&&Candidate| !(one.dead && one.passed_over);
    let staying: Vec<&&Candidate> = active.iter().filter(stays).collect();
    if staying.is_empty() {
        return if backup_lives { 0.0 } else { 1.0 };
    }
    let all: f64 = staying.iter().map(|one| one.share).sum();
    // Folded from 0.0: the sum of nothing is -0.0, which would be printed.
    let dead = staying.iter().filter(|one| one.dead).fold(0.0, |sum, one| sum + one.share);
    dead / all
}

/// What decides whether a member fails a request.
struct Candidate {
    share: f64,
    dead: bool,
    backup: bool,
    passed_over: bool,
}

impl Candidate {
    fn new(member: &Member, server: &Serving, single: bool) -> Self {
        Self {
            share: server.share,
            dead: matches!(server.state, ServerState::Missing | ServerState::Down | ServerState::Drained),
            backup: member.state == MemberState::Backup,
            passed_over: member.checked || member.ejection.is_some() && !single,
        }
    }
}

/// Returns the chance that `attempts` members, each tried once, are all dead.
fn only_dead(active: &[&Candidate], attempts: usize, backup_lives: bool) -> f64 {
    let dead: Vec<f64> = active.iter().filter(|one| one.dead).map(|one| one.share).collect();
    let passed_over = active.iter().filter(|one| one.dead).all(|one| one.passed_over);
    if attempts > dead.len() || passed_over {
        // More tries than dead members; or these are soon passed over and not tried at all.
        return if attempts > dead.len() || dead.len() < active.len() || backup_lives { 0.0 } else { 1.0 };
    }
    if dead.len() > EXACT_DEAD {
        return dead.iter().sum::<f64>().powi(i32::try_from(attempts).unwrap_or(i32::MAX));
    }
    next_dead(&dead, attempts, 1.0)
}

fn next_dead(dead: &[f64], attempts: usize, left: f64) -> f64 {
    if attempts == 0 {
        return 1.0;
    }
    if left <= 0.0 {
        return 0.0;
    }
    let chance = |(at, share): (usize, &f64)| {
        let rest: Vec<f64> = dead.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, share)| *share).collect();
        share / left * next_dead(&rest, attempts - 1, left - share)
    };
    dead.iter().enumerate().map(chance).fold(0.0, |sum, chance| sum + chance)
}
